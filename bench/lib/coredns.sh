# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # bench/run shares its variables with these files
# Corefiles for bench/server, which is one build of CoreDNS with all plugins
# that are measured.

# corefile NAME writes a server block around what comes in.
corefile() {
	{
		printf 'example.org:%d {\n    bind 127.0.0.1\n' "$port"
		[[ -z $profiles ]] || printf '    pprof 127.0.0.1:%d\n' "$profile_port"
		cat
		printf '}\n'
	} >"$tmp/$1.corefile"
}

# start_coredns NAME TYPE starts the server of that Corefile, see launch.
start_coredns() {
	launch "$2" "$tmp/server" -conf "$tmp/$1.corefile"
}

# has_profile NAME says whether a CPU profile can be taken of that server.
has_profile() {
	[[ -n $profiles && -e $tmp/${1%/1}.corefile ]]
}

use_file() {
	write_zone 's000000  30 IN A   192.0.2.1' >"$tmp/zone"
	corefile file <<<"    file $tmp/zone"
}

use_template() {
	corefile template <<-'END'
		    template IN A example.org {
		        answer "{{ .Name }} 30 IN A 192.0.2.1"
		    }
	END
}

# write_zone RECORD prints a zone with that record in it.
write_zone() {
	cat <<-END
		\$ORIGIN example.org.
		@        30 IN SOA ns1.example.org. hostmaster.example.org. 1 7200 1800 86400 30
		@        30 IN NS  ns1.example.org.
		ns1      30 IN A   192.0.2.53
		$1
	END
}

# ours PATH SITES [HOST [LIMIT [LINE...]]] is the block of cdnredirect, for
# sites that are probed at that path of the origin. They share a HOST, and so
# one probe, or else have one each. LIMIT is that of the response time, and
# more lines may follow.
ours() {
	cat <<-END
		    cdnredirect {
		        class bench {
		            ${3:+host $3}
		            origin 192.0.2.1
		            cdn example {label}.cdn.example.net
		            ready none
		            probe http http://$origin$1 every 1h timeout 5s
		            threshold response_time ${4:-1s}
		            ttl 30s
	END
	(($# <= 4)) || printf '            %s\n' "${@:5}"
	echo '        }'
	awk -v n="$2" 'BEGIN { for (i = 0; i < n; i++) printf "        site s%06d.example.org class bench\n", i }'
	echo '    }'
}

# ours_fixed diverts 30 % of the clients, while the origin is up but slower
# than the limit.
ours_fixed() {
	ours /slow 1 www.example.org 10ms 'divert fixed 30%' 'answer switch keyed'
}
