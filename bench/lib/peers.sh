# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # bench/run shares its variables with these files
# gdnsd and PowerDNS, set up to do the same: one A record, of an address that
# is monitored. That address is the origin's own: they probe what they answer.

peer_versions() {
	if command -v gdnsd >/dev/null; then
		gdnsd -h 2>&1 | awk '/^gdnsd version/ { printf ", gdnsd %s", $3 }'
	fi
	if command -v pdns_server >/dev/null; then
		pdns_server --version 2>&1 | awk '/Authoritative Server/ {
			for (i = 1; i < NF; i++) if ($i == "Server") printf ", PowerDNS %s", $(i + 1)
		}'
	fi
}

# peer PROGRAM PACKAGES returns 1, with the reason in refusal, if a program is
# not there.
peer() {
	command -v "$1" >/dev/null || {
		refusal="$1 is missing (Debian: apt install $2)"
		return 1
	}
}

# ---- gdnsd ------------------------------------------------------------------

# prepare_gdnsd PLUGIN writes a configuration with one thread for UDP. TCP
# cannot have none.
prepare_gdnsd() {
	local dir=$tmp/$1
	peer gdnsd gdnsd || return 1
	mkdir -p "$dir/zones"
	cat >"$dir/config" <<-END
		options => {
		  listen => 127.0.0.1:$port
		  udp_threads => 1
		  tcp_threads => 1
		  run_dir => $dir/run
		  state_dir => $dir/state
		}
		service_types => {
		  web => { plugin => http_status, port => ${origin##*:}, url_path => /up, interval => 10, timeout => 5 }
		}
		plugins => {
		  multifo => { site => { service_types => web, origin => 127.0.0.1 } }
		  metafo => { resources => { site => {
		    datacenters => [ origin, cdn ]
		    dcmap => {
		      origin => { plugin => multifo, service_types => web, origin => 127.0.0.1 }
		      cdn => { plugin => multifo, cdn => 192.0.2.99 }
		    }
		  } } }
		}
	END
	write_zone "s000000  30 DYNA $1!site" | sed 's/ IN / /; /ORIGIN/d' >"$dir/zones/example.org"
}

# start_gdnsd PLUGIN starts gdnsd, and checks that it found the origin up.
start_gdnsd() {
	launch A gdnsd -c "$tmp/$1" start || return 1
	gdnsdctl -c "$tmp/$1" states 2>&1 | grep -q '"127.0.0.1/web".*"real_state": "UP"' || {
		refusal="gdnsd does not find the origin up"
		return 1
	}
}

# ---- PowerDNS ---------------------------------------------------------------

# prepare_pdns NAME SECONDS writes a configuration with one thread of each
# kind, and with packets kept in the packet cache for that long.
prepare_pdns() {
	local dir=$tmp/pdns-${1/\//-}
	peer pdns_server "pdns-server pdns-backend-bind" || return 1
	[[ -e $(find /usr/lib /usr/local/lib -name libbindbackend.so -print -quit 2>/dev/null) ]] || {
		refusal="PowerDNS's bind backend is missing (Debian: apt install pdns-backend-bind)"
		return 1
	}
	mkdir -p "$dir"
	write_zone "s000000  30 IN LUA A \"ifportup(${origin##*:}, {'127.0.0.1'})\"" >"$dir/zone"
	echo "zone \"example.org\" { type master; file \"$dir/zone\"; };" >"$dir/named.conf"
	cat >"$dir/pdns.conf" <<-END
		launch=bind
		bind-config=$dir/named.conf
		local-address=127.0.0.1
		local-port=$port
		socket-dir=$dir
		receiver-threads=1
		distributor-threads=1
		signing-threads=1
		enable-lua-records=shared
		cache-ttl=$2
		security-poll-suffix=
		loglevel=6
	END
}

# start_pdns NAME starts PowerDNS, and checks that it found the origin up. It
# first looks when it is first asked.
start_pdns() {
	local i
	launch A pdns_server --config-dir="$tmp/pdns-${1/\//-}" --daemon=no --guardian=no || return 1
	for ((i = 0; i < 50; i++)); do
		! grep -q "declaring TCP/IP $origin UP" "$tmp/log" || return 0
		sleep 0.1
	done
	refusal="PowerDNS does not find the origin up"
	return 1
}
