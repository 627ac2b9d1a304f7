// kestrel: PID 1 of a guest, or a supervisor anywhere else, or a client of one.
#include <unistd.h>

#include "kestrel/app/command_line.h"
#include "kestrel/app/guest.h"

int main(int argc, char** argv) {
  if (getpid() == 1 && !kestrel::app::is_command_line(argc, argv)) kestrel::app::run_guest();
  return kestrel::app::run_command_line(argc, argv);
}
