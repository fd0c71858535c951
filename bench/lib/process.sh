# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # bench/run shares its variables with these files
# Starting and stopping: one server and one client at a time, a core each.

tmp=          # for everything that is written
server_pid=
client_pid=
driver_pid=
origin_pid=
many_pid=
second_pid=   # another server
publisher_pid=
postgres_pid=
origin=       # the address of the origin that is probed
refusal=      # why a server cannot be measured
started=      # ms from the start of the server to its first answer

say() {
	echo "$*" >&2
}

die() {
	say "bench/run: $*"
	exit 1
}

needs() {
	command -v "$1" >/dev/null || die "$1 is missing: $2"
}

# begin_processes makes the directory for all files, and sees to it that
# nothing outlives us.
begin_processes() {
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	tmp=$(mktemp -d)
}

# stop ends one of our processes and waits for it.
stop() {
	[[ -n $1 ]] || return 0
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

cleanup() {
	stop "$client_pid"
	stop "$driver_pid"
	stop "$server_pid"
	stop "$origin_pid"
	stop "$many_pid"
	stop "$second_pid"
	stop "$publisher_pid"
	stop "$postgres_pid"
	[[ -z $tmp ]] || rm -rf "$tmp"
}

build() {
	(cd "$here/.." &&
		CGO_ENABLED=0 go build -trimpath -o "$tmp/server" ./bench/server &&
		CGO_ENABLED=0 go build -trimpath -o "$tmp/cdnctl" ./cmd/cdnctl &&
		CGO_ENABLED=0 go build -trimpath -o "$tmp/helper" ./bench/helper)
}

# start_origin leaves its address in origin.
start_origin() {
	exec 3< <(exec "$tmp/helper" origin)
	origin_pid=$!
	read -r origin <&3 || die "the origin did not start"
}

# pin finds a core each for the server and for the client, if there are two.
on_server=()
on_client=()
pin() {
	command -v taskset >/dev/null || return 0
	local cores
	read -ra cores < <(awk '/^Cpus_allowed_list:/ {
		n = split($2, part, ",")
		for (i = 1; i <= n; i++) {
			split(part[i] "-" part[i], end, "-")
			for (core = end[1]; core <= end[2]; core++) printf "%d ", core
		}
		print ""
	}' /proc/self/status)
	((${#cores[@]} >= 2)) || return 0
	on_server=(taskset -c "${cores[0]}")
	on_client=(taskset -c "${cores[1]}")
}

# launch TYPE COMMAND... starts a server and waits until it answers, with a
# record of that type (or one of several: A|CNAME). If it does not it returns
# 1, with the reason in refusal.
launch() {
	local type=$1 began got
	shift
	began=${EPOCHREALTIME/./}
	"${on_server[@]}" "$@" >"$tmp/log" 2>&1 &
	server_pid=$!
	if ! got=$(first_answer); then
		refusal="no such answer"
		kill -0 "$server_pid" 2>/dev/null || refusal=$(tail -n 1 "$tmp/log")
		return 1
	fi
	started=$(((${EPOCHREALTIME/./} - began) / 1000))
	[[ "|$type|" == *"|$got|"* ]] || { refusal="it answers with $got instead of $type" && return 1; }
}

# first_answer prints the type of the record in the server's first answer. It
# gives up when the server does.
first_answer() {
	local i
	for ((i = 0; i < 60; i++)); do
		"$tmp/helper" ask "127.0.0.1:$port" s000000.example.org 1s 2>/dev/null && return 0
		kill -0 "$server_pid" 2>/dev/null || return 1
	done
	return 1
}

stop_server() {
	stop "$server_pid"
	server_pid=
}
