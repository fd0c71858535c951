# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # bench/run shares its variables with these files
# What a redirect over HTTP/1.1 costs, beside nginx's `return 302` and HAProxy's
# `redirect`. wrk asks, over connections that stay open.

redirect_rows=(nginx haproxy redirect many)
http_port=
http_time=5 # seconds of one measurement
connections=32

# redirecting SITES is the block of cdnredirect. All sites follow one feed, which
# is read once.
redirecting() {
	echo 'load 1' >"$tmp/load.prom"
	cat <<-END
		    cdnredirect {
		        redirector 127.0.0.1:$http_port
		        class bench {
		            origin 192.0.2.1
		            cdn example {label}.cdn.example.net
		            ready none
		            feed load file $tmp/load.prom load every 1h
		            threshold load 100
		            redirect {label}.origin.example.net
		        }
	END
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "        site s%06d.example.org class bench\n", i }'
	echo '    }'
}

prepare_nginx() {
	peer nginx nginx-light || return 1
	mkdir -p "$tmp/nginx"
	cat >"$tmp/nginx/conf" <<-END
		daemon off;
		master_process off;
		pid pid;
		error_log stderr;
		events { worker_connections 1024; }
		http {
		    access_log off;
		    keepalive_requests 1000000000;
		    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
		    server {
		        listen 127.0.0.1:$http_port;
		        server_name s000000.example.org;
		        add_header Cache-Control no-store always;
		        location / { return 302 http://s000000.origin.example.net\$request_uri; }
		    }
		}
	END
}

prepare_haproxy() {
	peer haproxy haproxy || return 1
	cat >"$tmp/haproxy.cfg" <<-END
		global
		    nbthread 1
		defaults
		    mode http
		    timeout client 30s
		    timeout connect 5s
		    timeout server 5s
		frontend bench
		    bind 127.0.0.1:$http_port
		    http-response set-header Cache-Control no-store
		    http-request redirect prefix http://s000000.origin.example.net code 302 if { hdr(host) -i s000000.example.org }
	END
}

# start_redirecting ROW starts the server of a row and waits for its redirect.
start_redirecting() {
	case $1 in
	redirect | many) start_coredns "$1" A || die "$1: $refusal" ;;
	nginx) "${on_server[@]}" nginx -p "$tmp/nginx" -c "$tmp/nginx/conf" >"$tmp/log" 2>&1 & server_pid=$! ;;
	haproxy) "${on_server[@]}" haproxy -f "$tmp/haproxy.cfg" >"$tmp/log" 2>&1 & server_pid=$! ;;
	esac
	local i
	for ((i = 0; i < 100; i++)); do
		! redirects || return 0
		sleep 0.1
	done
	die "$1: no redirect: $(tail -n 1 "$tmp/log")"
}

# redirects says whether the server gives the redirect that is measured.
redirects() {
	local line
	{ exec 5<>"/dev/tcp/127.0.0.1/$http_port"; } 2>/dev/null || return 1
	printf 'GET /a/b?c=d HTTP/1.0\r\nHost: s000000.example.org\r\n\r\n' >&5
	grep -qi '^location: http://s000000.origin.example.net/a/b?c=d' <&5
	local found=$?
	exec 5>&-
	return $found
}

# visit SECONDS ROW has wrk ask; of many sites for all, in an order that is bad
# for caches.
visit() {
	local script=()
	if [[ $2 == many ]]; then
		cat >"$tmp/many.lua" <<-END
			local i = 0
			function request()
			    i = (i + 7919) % $sites
			    return wrk.format("GET", "/a/b?c=d", { Host = string.format("s%06d.example.org", i) })
			end
		END
		script=(-s "$tmp/many.lua")
	fi
	client wrk -t 1 -c "$connections" -d "$1" --latency "${script[@]}" -H 'Host: s000000.example.org' "http://127.0.0.1:$http_port/a/b?c=d"
}

# measure_redirects ROUND ROW adds a line to the results, see measure.
measure_redirects() {
	local before ticks
	visit 1 "$2"
	before=$(cpu)
	visit "$http_time" "$2"
	ticks=$(($(cpu) - before))
	awk -v round="$1" -v row="$2" -v ticks="$ticks" -v hz="$(getconf CLK_TCK)" -v kib="$(memory)" '
		function us(text) { return text ~ /us$/ ? text + 0 : text ~ /ms$/ ? text * 1000 : text * 1000000 }
		/requests in/ { done = $1 }
		/Requests\/sec:/ { rate = $2 }
		/99%/ { p99 = us($2) }
		/Non-2xx|Socket errors/ { bad = $0 }
		END {
			if (!done || bad) { print row ": " bad >"/dev/stderr"; exit 1 }
			printf "%s %s %.0f %.3f %.0f %d\n", round, row, rate, ticks / hz * 1e6 / done, p99, kib
		}' "$tmp/report" >>"$tmp/results" || die "$2: not every answer was a redirect"
	say "$(tail -n 1 "$tmp/results")"
}

bench_redirect() {
	local round row rows=()
	needs wrk "Debian: apt install wrk"
	http_port=$("$tmp/helper" port)
	redirecting 1 | corefile redirect
	redirecting "$sites" | corefile many
	for row in "${redirect_rows[@]}"; do
		case $row in
		nginx | haproxy) "prepare_$row" && rows+=("$row") || say "no row $row: $refusal" ;;
		*) rows+=("$row") ;;
		esac
	done
	: >"$tmp/results"
	for ((round = 1; round <= rounds; round++)); do
		for row in "${rows[@]}"; do
			start_redirecting "$row"
			measure_redirects "$round" "$row"
			stop_server
		done
	done
	echo
	"$tmp/helper" table "$tmp/results" nginx request
	echo
	budget redirect nginx 1.67
	budget redirect haproxy 1.67
	budget many redirect 1.05
	"$tmp/helper" late "$tmp/results" redirect nginx 2
}
