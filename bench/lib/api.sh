# shellcheck shell=bash
# shellcheck disable=SC2154 # bench/run shares its variables with these files
# The API over very many sites in SQLite: applying files of them, reading, and changing one.

reads=1000
puts=20

# bench_apply has a store with one site get all, from a file of documents, until they are
# answered.
bench_apply() {
	local began took code=0
	begin sqlite
	"$tmp/cdnctl" --socket "$tmp/sqlite.sock" export >"$tmp/sites.yaml" || die "the sites cannot be exported"
	stop_server
	ours /up 1 www.example.org | sed '1d;$d' | "$tmp/helper" fill sqlite "$tmp/applied.db"
	stored "sqlite $tmp/applied.db" applied | corefile applied
	begin applied
	began=${EPOCHREALTIME/./}
	"${on_client[@]}" "$tmp/cdnctl" --socket "$tmp/applied.sock" apply -f "$tmp/sites.yaml" -m bench --wait --timeout 5m >"$tmp/report" 2>&1 || code=$?
	((code == 2)) || die "cdnctl apply: $(tail -n 3 "$tmp/report")"
	took=$(((${EPOCHREALTIME/./} - began) / 1000))
	load "$tmp/all"
	report 1 >/dev/null || die "not every site is answered that was applied"
	stop_server
	printf '%d sites applied to a store in SQLite: %d ms, budget 60 s  %s\n' "$sites" "$took" "$( ((took <= 60000)) && echo ok || echo over)"
}

# bench_reads times one request after the other, over the socket.
bench_reads() {
	begin sqlite
	at_rest
	"${on_client[@]}" "$tmp/helper" reads "$tmp/sqlite.sock" "$sites" "$reads" || die "the API cannot be read"
	stop_server
}

# bench_puts times changes of one site, from the request to another answer in DNS.
bench_puts() {
	begin sqlite
	at_rest
	"${on_client[@]}" "$tmp/helper" puts "$tmp/sqlite.sock" "127.0.0.1:$port" s004711.example.org "$puts" || die "the site cannot be changed"
	stop_server
}

# -----------------------------------------------------------------------------

bench_api() {
	head -n "$sites" "$tmp/names" >"$tmp/all"
	blocks | "$tmp/helper" fill sqlite "$tmp/api.db"
	stored "sqlite $tmp/api.db" sqlite | corefile sqlite
	bench_apply
	bench_reads
	bench_puts
}
