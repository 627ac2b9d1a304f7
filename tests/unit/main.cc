// The one file that carries Catch2's own main (it takes 11 s to compile).
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
