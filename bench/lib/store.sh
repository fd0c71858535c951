# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # bench/run shares its variables with these files
# Sites in a store: loading them at the start, changing one, and answering while they
# change.

second_port=
dsn=
load_rounds=3
change_rounds=5
changed_site=s004711.example.org

# stored STORE NAME is the block of cdnredirect that has its sites in a store.
stored() {
	cat <<-END
		    cdnredirect {
		        socket $tmp/$2.sock
		        state $tmp/$2.state
		        server $2
		        store $1
		    }
	END
}

# blocks prints what is in the store: the sites of `bench/run sites`.
blocks() {
	ours /up "$sites" www.example.org | sed '1d;$d'
}

# ---- PostgreSQL -------------------------------------------------------------

# as_postgres COMMAND... runs as somebody else than root, which PostgreSQL refuses.
as_postgres() {
	local as=()
	(($(id -u))) || as=(setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups)
	(cd / && exec "${on_client[@]}" "${as[@]}" "$@")
}

# start_postgres leaves the DSN of a new database in dsn. It returns 1, with the
# reason in refusal, if PostgreSQL is not there.
start_postgres() {
	local bin i number
	bin=$(find /usr/lib/postgresql /usr/local/bin /usr/bin -name initdb -print -quit 2>/dev/null)
	[[ -n $bin ]] || { refusal="PostgreSQL is missing (Debian: apt install postgresql)" && return 1; }
	bin=${bin%/initdb}
	chmod 755 "$tmp"
	mkdir -m 777 "$tmp/postgres"
	number=$("$tmp/helper" port)
	as_postgres "$bin/initdb" -D "$tmp/postgres/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$tmp/postgres.log" 2>&1 ||
		die "initdb: $(tail -n 3 "$tmp/postgres.log")"
	as_postgres "$bin/postgres" -D "$tmp/postgres/data" -p "$number" -c listen_addresses=127.0.0.1 \
		-c "unix_socket_directories=$tmp/postgres" >"$tmp/postgres.log" 2>&1 &
	postgres_pid=$!
	dsn="postgres://postgres@127.0.0.1:$number/postgres?sslmode=disable"
	for ((i = 0; i < 100; i++)); do
		! { exec 6<>"/dev/tcp/127.0.0.1/$number"; } 2>/dev/null || break
		sleep 0.1
	done
	exec 6>&-
	sleep 1 # it may listen before it lets anybody in
}

# ---- loading ----------------------------------------------------------------

# say_load TEXT prints how long the start took, once all names are answered.
say_load() {
	load "$tmp/all"
	report 1 >/dev/null || die "$1: not every site is answered"
	printf '%-40s %5d ms to the first answer, and all of %d  budget 5 s  %s\n' "$1" "$started" "$sites" \
		"$( ((started <= 5000)) && echo ok || echo over)"
}

# bench_load STORE NAME starts a server anew on that store, without a snapshot.
bench_load() {
	local round
	stored "$1" "$2" | corefile "$2"
	for ((round = 1; round <= load_rounds; round++)); do
		rm -rf "$tmp/$2.state"
		begin "$2"
		say_load "$2"
		await_snapshot "$2"
		stop_server
	done
}

# await_snapshot waits until what was loaded is kept.
await_snapshot() {
	local i
	for ((i = 0; i < 600; i++)); do
		[[ ! -s $tmp/$1.state/configuration ]] || return 0
		sleep 0.1
	done
	die "$1: no snapshot was written"
}

# bench_corefile starts a server with the same sites in its Corefile, to compare with.
bench_corefile() {
	local round
	for ((round = 1; round <= load_rounds; round++)); do
		begin many
		say_load "the same sites in the Corefile"
		stop_server
	done
}

# at_rest [MS] waits until what follows a start is over, writing the journal and the
# state: until the server takes no more than so many ms of CPU a second.
at_rest() {
	local i
	for ((i = 0; i < 60; i++)); do
		(($(quiet) > ${1:-20})) || return 0
	done
	die "the server does not come to rest"
}

# bench_snapshot starts a server whose store is away, with the snapshot of NAME.
bench_snapshot() {
	local round gone
	gone=$("$tmp/helper" port)
	mv "$tmp/$1.state" "$tmp/snapshot.state"
	stored "postgres postgres://postgres@127.0.0.1:$gone/postgres?sslmode=disable" snapshot | corefile snapshot
	for ((round = 1; round <= load_rounds; round++)); do
		begin snapshot
		say_load "snapshot, the store is away"
		stop_server
	done
}

# ---- memory -----------------------------------------------------------------

# memory_of NAME prints the memory of a server at rest.
memory_of() {
	begin "$1"
	settle
	memory
	stop_server
}

bench_stored_memory() {
	local one many
	one=$(memory_of one)
	many=$(memory_of many)
	say_memory "memory a site in the Corefile" "$one" "$many"
	many=$(memory_of sqlite)
	say_memory "memory a site in SQLite" "$one" "$many"
}

# ---- one change -------------------------------------------------------------

# change ADDRESS publishes another address of a site through the first server, and
# prints the ms until it is answered by each.
change() {
	local ports=("$port" "$second_port") began i pids=() ms=()
	printf 'site %s class bench {\n    origin %s\n}\n' "$changed_site" "$1" >"$tmp/changed"
	"$tmp/cdnctl" --socket "$tmp/postgres1.sock" draft put "$tmp/changed" >"$tmp/report" 2>&1 || die "$(cat "$tmp/report")"
	for i in 0 1; do
		"$tmp/helper" until "127.0.0.1:${ports[i]}" "$changed_site" "$1" 30s >"$tmp/until$i" 2>&1 &
		pids+=($!)
	done
	began=${EPOCHREALTIME/./}
	"$tmp/cdnctl" --socket "$tmp/postgres1.sock" publish -m bench >"$tmp/report" 2>&1 || die "$(cat "$tmp/report")"
	for i in 0 1; do
		wait "${pids[i]}" || die "$(cat "$tmp/until$i")"
		ms+=($((($(cat "$tmp/until$i") - began) / 1000)))
	done
	echo "${ms[@]}"
}

bench_change() {
	local round here_ms there_ms
	second_port=$("$tmp/helper" port)
	stored "postgres $dsn" postgres1 | corefile postgres1
	stored "postgres $dsn" postgres2 | port=$second_port corefile postgres2
	# on the core of the clients, who have nothing else to do: two servers are two machines
	"${on_client[@]}" "$tmp/server" -conf "$tmp/postgres2.corefile" >"$tmp/second.log" 2>&1 &
	second_pid=$!
	begin postgres1
	"$tmp/helper" until "127.0.0.1:$second_port" "$changed_site" 192.0.2.1 60s >/dev/null || die "$(tail -n 1 "$tmp/second.log")"
	at_rest 300 # each second it says what it has heard, and decides
	for ((round = 1; round <= change_rounds; round++)); do
		read -r here_ms there_ms < <(change "192.0.2.$((10 + round))")
		printf 'one site published: %d ms till this server answers so, %d ms till the other does, budget 1 s  %s\n' \
			"$here_ms" "$there_ms" "$( ((here_ms <= 1000 && there_ms <= 1000)) && echo ok || echo over)"
	done
	stop "$second_pid"
	second_pid=
	stop_server
}

# ---- answering while sites change -------------------------------------------

# p99 prints the 99th percentile of the times to the answer, in µs.
p99() {
	local us unanswered
	client "$tmp/helper" latency "127.0.0.1:$port" "$tmp/names" "$rate" "$timed"
	read -r us unanswered <"$tmp/report"
	echo "$us"
}

bench_publishing() {
	local round quiet_us busy_us ratios=()
	begin sqlite
	at_rest
	for ((round = 1; round <= rounds; round++)); do
		p99 >"$tmp/quiet_us"
		"${on_client[@]}" "$tmp/helper" publish "$tmp/sqlite.sock" bench $((timed / rate + 2)) >"$tmp/publisher" 2>&1 &
		publisher_pid=$!
		p99 >"$tmp/busy_us"
		wait "$publisher_pid" || die "publishing: $(cat "$tmp/publisher")"
		publisher_pid=
		quiet_us=$(cat "$tmp/quiet_us") busy_us=$(cat "$tmp/busy_us")
		[[ $quiet_us != Inf ]] || die "more than 1 in 100 questions are lost on a quiet server: the machine is too busy"
		ratios+=("$(awk -v q="$quiet_us" -v b="$busy_us" 'BEGIN { printf "%.2f", b == "Inf" ? 999 : b / q }')") # 999: more than 1 in 100 are lost
		say "round $round  p99 $quiet_us µs, $busy_us µs while a revision is published each second"
		at_rest
	done
	stop_server
	printf '%s\n' "${ratios[@]}" | sort -n | awk '{ r[NR] = $1 } END {
		m = r[int((NR + 1) / 2)]
		printf "p99 while publishing to quiet, budget 1.1  %s (%s..%s)  %s\n", m, r[1], r[NR], m <= 1.1 ? "ok" : "over"
	}'
}

# -----------------------------------------------------------------------------

bench_store() {
	local text=$tmp/blocks
	head -n "$sites" "$tmp/names" >"$tmp/all"
	blocks >"$text"
	ours /up 1 www.example.org | corefile one
	ours /up "$sites" www.example.org | corefile many
	"$tmp/helper" fill sqlite "$tmp/sites.db" <"$text"
	bench_corefile
	bench_load "sqlite $tmp/sites.db" sqlite
	bench_stored_memory
	bench_publishing
	if start_postgres; then
		"$tmp/helper" fill postgres "$dsn" <"$text"
		bench_load "postgres $dsn" postgres
		bench_snapshot postgres
		bench_change
	else
		say "no rows of PostgreSQL: $refusal"
	fi
	stop "$postgres_pid"
	postgres_pid=
}
