# No init: the service itself is PID 1.

floor_base() { :; }
floor_service() { start_with mounted /w service 0 "$1"; }
