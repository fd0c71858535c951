# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # bench/run shares its variables with these files
# The monitor of many sites: what a site takes with everything that is kept of
# it, and how late its probes begin.

scale_period=10s
scale_seconds=60 # of which lags are looked at, after as many to settle
metrics_port=

# spread SITES TARGETS is the block of cdnredirect for sites over fewer targets,
# whose origins they share.
spread() {
	cat <<-END
		    prometheus 127.0.0.1:$metrics_port
		    cdnredirect {
		        class bench {
		            host www.example.org
		            cdn example {label}.cdn.example.net
		            ready none
		            probe http http://{origin}:$many_port/up every $scale_period
		            threshold response_time 2s
		        }
	END
	"$tmp/helper" addresses "$2" | awk -v sites="$1" '
		{ address[NR - 1] = $1; printf "        origin o%d {\n            address %s\n        }\n", NR - 1, $1 }
		END { for (i = 0; i < sites; i++) printf "        site s%06d.example.org class bench {\n            origin o%d\n        }\n", i, i % NR }'
	echo '    }'
}

# lags prints how many probes began within each time, so far.
lags() {
	"$tmp/helper" metrics "127.0.0.1:$metrics_port" coredns_cdnredirect_probe_lag_seconds_bucket
}

# late BEFORE AFTER prints the 99th percentile of the lags between two of them, in
# seconds: the bound of the bucket that it lies in.
late() {
	awk -F'[" ]' 'NR == FNR { before[$2] = $NF; next } { n++; bound[n] = $2; count[n] = $NF - before[$2] }
		END { for (i = 1; i <= n; i++) if (count[i] >= 0.99 * count[n]) { print bound[i]; exit } }' "$1" "$2"
}

# page prints how long a page of a feed takes to be read.
page() {
	go test -run '^$' -bench Page ./health | awk '/^BenchmarkPage/ {
		printf "a page of 2,000 series: %.1f ms, budget 5 ms  %s\n", $3 / 1e6, $3 <= 5e6 ? "ok" : "over"
	}'
}

bench_scale() {
	local one many before distinct=$((sites / 5))
	start_many
	metrics_port=$("$tmp/helper" port)
	spread 1 1 | corefile one
	begin one
	settle
	one=$(memory)
	stop_server
	spread "$sites" "$distinct" | corefile many
	begin many
	say "$started ms to the first answer"
	sleep "$scale_seconds"
	lags >"$tmp/lags.before"
	before=$(cpu)
	sleep "$scale_seconds"
	lags >"$tmp/lags.after"
	many=$(memory)
	echo
	echo "$sites sites over $distinct targets, each probed every $scale_period with a new connection"
	awk -v ticks="$(($(cpu) - before))" -v hz="$(getconf CLK_TCK)" -v s="$scale_seconds" 'BEGIN { printf "CPU, in cores: %.2f\n", ticks / hz / s }'
	say_memory "memory a site, all in" "$one" "$many"
	late "$tmp/lags.before" "$tmp/lags.after" | awk -v period="${scale_period%s}" '{
		printf "99 %% of the probes began within %s s, budget %.1f s  %s\n", $1, period / 20, $1 <= period / 20 ? "ok" : "over"
	}'
	stop_server
	stop "$many_pid"
	many_pid=
	(cd "$here/.." && page)
}
