# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # bench/run shares its variables with these files
# What one probe costs: the same web server is probed at as many addresses and
# as often by each monitor, and counts what it is asked.

period=2s
window=10 # seconds of one measurement
probe_rows=(fresh keep_alive alone alone/keep blackbox gdnsd)
many_port=

# start_many leaves the port of the web server in many_port.
start_many() {
	exec 4< <(exec "${on_client[@]}" "$tmp/helper" many)
	many_pid=$!
	read -r many_port <&4 || die "the web server did not start"
}

# monitored LINE... is the block of cdnredirect, with a site for each target.
monitored() {
	cat <<-END
		    cdnredirect {
		        class bench {
		            host www.example.org
		            cdn example {label}.cdn.example.net
		            ready none
		            probe http http://{origin}:$many_port/up every $period timeout 1s $*
		            threshold response_time 500ms
		        }
	END
	"$tmp/helper" addresses "$targets" | awk '{
		printf "        site s%06d.example.org class bench {\n            origin %s\n        }\n", NR - 1, $1
	}'
	echo '    }'
}

# prepare_probing_gdnsd gives each target a resource of its own: they are
# probed whether or not a zone has them.
prepare_probing_gdnsd() {
	local dir=$tmp/probing
	peer gdnsd gdnsd || return 1
	mkdir -p "$dir/zones"
	{
		cat <<-END
			options => { listen => 127.0.0.1:$port, udp_threads => 1, tcp_threads => 1, run_dir => $dir/run, state_dir => $dir/state }
			service_types => {
			  web => { plugin => http_status, port => $many_port, url_path => /up, vhost => www.example.org, interval => ${period%s}, timeout => 1 }
			}
			plugins => { multifo => {
		END
		"$tmp/helper" addresses "$targets" | awk '{ printf "  s%06d => { service_types => web, a => %s }\n", NR - 1, $1 }'
		echo '} }'
	} >"$dir/config"
	write_zone "s000000  30 DYNA multifo!s000000" | sed 's/ IN / /; /ORIGIN/d' >"$dir/zones/example.org"
}

prepare_blackbox() {
	peer prometheus-blackbox-exporter prometheus-blackbox-exporter || return 1
	cat >"$tmp/blackbox.yml" <<-END
		modules:
		  bench:
		    prober: http
		    timeout: 1s
		    http: { preferred_ip_protocol: ip4, headers: { Host: www.example.org } }
	END
}

# start_probing ROW starts a monitor. If it does not start it returns 1, with
# the reason in refusal.
start_probing() {
	case $1 in
	fresh) monitored | corefile probing && start_coredns probing A ;;
	keep_alive) monitored keep_alive on | corefile probing && start_coredns probing A ;;
	alone) background "$tmp/helper" monitor "$many_port" "$targets" "$period" fresh ;;
	alone/keep) background "$tmp/helper" monitor "$many_port" "$targets" "$period" keep ;;
	blackbox) prepare_blackbox && start_blackbox ;;
	gdnsd) prepare_probing_gdnsd && launch A gdnsd -c "$tmp/probing" start ;;
	esac
}

# background COMMAND... starts a server that answers no questions.
background() {
	"${on_server[@]}" "$@" >"$tmp/log" 2>&1 &
	server_pid=$!
}

start_blackbox() {
	background prometheus-blackbox-exporter --config.file="$tmp/blackbox.yml" --web.listen-address="127.0.0.1:$port" --log.level=error
	sleep 1
	"${on_client[@]}" "$tmp/helper" drive "127.0.0.1:$port" "$many_port" "$targets" "$period" >"$tmp/driver" 2>&1 &
	driver_pid=$!
}

stop_probing() {
	stop "$driver_pid"
	driver_pid=
	stop_server
}

served() {
	"${on_client[@]}" "$tmp/helper" count "$many_port"
}

# measure_probes ROUND ROW adds a line to the results, see measure. The first
# seconds are left out, in which connections are made and heaps grow.
measure_probes() {
	local cpu_before served_before ticks probes
	sleep 6
	cpu_before=$(cpu)
	served_before=$(served)
	if (($1 == 1)) && [[ -n $profiles ]]; then profile_probes "$2"; fi
	sleep "$window"
	ticks=$(($(cpu) - cpu_before))
	probes=$(($(served) - served_before))
	kill -0 "$server_pid" 2>/dev/null || die "$2: $(tail -n 1 "$tmp/log")"
	awk -v round="$1" -v row="$2" -v ticks="$ticks" -v probes="$probes" -v hz="$(getconf CLK_TCK)" \
		-v window="$window" -v kib="$(memory)" 'BEGIN {
		if (!probes) exit 1
		printf "%d %s %.0f %.3f Inf %d\n", round, row, probes / window, ticks / hz * 1e6 / probes, kib
	}' >>"$tmp/results" || die "$2: no probe came"
	say "$(tail -n 1 "$tmp/results")  load $(cut -d' ' -f1 /proc/loadavg)"
}

# profile_probes ROW writes a CPU profile of a monitor while it probes.
profile_probes() {
	mkdir -p "$profiles"
	case $1 in
	fresh | keep_alive)
		go tool pprof -proto -output "$profiles/$1.pprof" \
			"http://127.0.0.1:$profile_port/debug/pprof/profile?seconds=5" >"$tmp/pprof.log" 2>&1 ||
			die "no profile of $1: $(tail -n 5 "$tmp/pprof.log")"
		;;
	esac
}

bench_probes() {
	local round row
	start_many
	: >"$tmp/results"
	for ((round = 1; round <= rounds; round++)); do
		for row in "${probe_rows[@]}"; do
			if start_probing "$row"; then
				measure_probes "$round" "$row"
			elif ((round == 1)); then
				say "no row $row: $refusal"
			fi
			stop_probing
		done
	done
	stop "$many_pid"
	many_pid=
	echo
	echo "$targets targets, each every $period; fresh, keep_alive: cdnredirect; alone: its probes without a server"
	"$tmp/helper" table "$tmp/results" gdnsd probe
	echo
	for row in keep_alive alone/keep; do budget "$row" gdnsd 1; done
	for row in fresh alone; do budget "$row" gdnsd 2.5; done
	for row in fresh keep_alive alone; do budget "$row" blackbox 1; done
}
