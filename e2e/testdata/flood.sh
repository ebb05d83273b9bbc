#!/bin/sh
# Stands in for limactl: `flood.sh LIMACTL LINES DIR ARG...`. It calls LIMACTL with the arguments; a start writes LINES
# lines of log first. DIR/began and DIR/ended show how far it is.
set -eu
limactl=$1 lines=$2 dir=$3
shift 3
case " $* " in
*" start "*)
  : >"$dir/began"
  yes '{"level":"info","msg":"[hostagent] Waiting for the essential requirement 1 of 3: a line of the usual length","time":"2026-01-01T00:00:00Z"}' |
    head -n "$lines" >&2
  : >"$dir/ended"
  ;;
esac
exec "$limactl" "$@"
