# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # bench/run shares its variables with these files
# One measurement: questions to the server that runs, a line to the results.

# ask_for SITES FILE makes a file of queries over that many names. The step
# visits them all before it comes back to the first.
ask_for() {
	awk -v n="$queries" -v sites="$1" 'BEGIN {
		for (i = 0; i < n; i++) printf "s%06d.example.org A\n", i * 7919 % sites
	}' >"$2"
	head -n 20000 "$2" >"$2.warm"
}

# cpu prints the CPU time of the server so far, in clock ticks.
cpu() {
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$server_pid/stat"
}

# memory prints the resident memory of the server, in KiB.
memory() {
	awk '/^VmRSS:/ { print $2 }' "/proc/$server_pid/status"
}

# quiet prints the CPU time that the server takes without queries, in ms a second.
quiet() {
	local before
	before=$(cpu)
	sleep 2
	awk -v ticks=$(($(cpu) - before)) -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.0f\n", ticks / hz / 2 * 1000 }'
}

# client COMMAND... runs on the clients' core, and can be stopped.
client() {
	"${on_client[@]}" "$@" >"$tmp/report" 2>&1 &
	client_pid=$!
	wait "$client_pid" || die "$(tail -n 5 "$tmp/report")"
	client_pid=
}

# load FILE sends the queries of a file and leaves dnsperf's report.
load() {
	client dnsperf -s 127.0.0.1 -p "$port" -d "$1" -n 1 -l "$seconds" -c 8 -T 1 -q 100
}

# profile NAME FILE writes a CPU profile of 5 s in which the server answers.
profile() {
	local pid
	mkdir -p "$profiles"
	go tool pprof -proto -output "$profiles/${1/\//-}.pprof" \
		"http://127.0.0.1:$profile_port/debug/pprof/profile?seconds=5" >"$tmp/pprof.log" 2>&1 &
	pid=$!
	client dnsperf -s 127.0.0.1 -p "$port" -d "$2" -l 6 -c 8 -T 1 -q 100
	wait "$pid" || die "no profile of $1: $(tail -n 5 "$tmp/pprof.log")"
}

# measure ROUND NAME FILE sends the queries and adds a line to the results:
# round, name, queries per second, CPU µs per query, p99 in µs, memory in KiB.
measure() {
	local before ticks figures qps cost lost p99 unanswered kib
	load "$3.warm"
	if (($1 == 1)) && has_profile "$2"; then profile "$2" "$3"; fi
	before=$(cpu)
	load "$3"
	ticks=$(($(cpu) - before))
	figures=$(report "$ticks") || die "$2: not every answer was NOERROR"
	client "$tmp/helper" latency "127.0.0.1:$port" "$3" "$rate" "$timed"
	read -r p99 unanswered <"$tmp/report"
	kib=$(memory)
	read -r qps cost lost <<<"$figures"
	echo "$1 $2 $qps $cost $p99 $kib" >>"$tmp/results"
	say "$(printf 'round %d  %-9s %7d q/s  %6.2f µs/query  p99 %s µs  %d KiB  %d + %d lost  load %s' \
		"$1" "$2" "$qps" "$cost" "$p99" "$kib" "$lost" "$unanswered" "$(cut -d' ' -f1 /proc/loadavg)")"
}

# report TICKS prints, of dnsperf's report and the CPU time of the server: the
# queries per second, the CPU µs per query, and the queries lost.
report() {
	awk -v ticks="$1" -v hz="$(getconf CLK_TCK)" '
		/Queries completed:/ { done = $3 }
		/Queries lost:/ { lost = $3 }
		/Queries per second:/ { qps = $4 }
		/Response codes:/ { good = $4 }
		END {
			if (!done || good != done) exit 1
			printf "%.0f %.3f %d\n", qps, ticks / hz * 1e6 / done, lost
		}' "$tmp/report"
}

# budget ROW BASE LIMIT says whether the CPU per query of a row, as a ratio to
# that of another, is within a budget.
budget() {
	"$tmp/helper" budget "$tmp/results" "$@"
}
