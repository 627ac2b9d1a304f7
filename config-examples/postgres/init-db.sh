#!/bin/sh
# Makes the database at the first start: the cluster, its superuser's password, the database $POSTGRES_DB, and what is in
# /docker-entrypoint-initdb.d. It stands in a folder of the volume, which has a lost+found that initdb does not like.
set -eu
PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
data=/var/lib/postgresql/data
chmod 1777 /run
[ ! -s "$data/PG_VERSION" ] || exit 0

# A start that was cut off leaves this, and no data.
new=$data.new
rm -rf "$new"
chown postgres:postgres /var/lib/postgresql
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
umask 077
password=$(mktemp)
echo "$POSTGRES_PASSWORD" >"$password"
chown postgres "$password"
as_postgres initdb --pgdata="$new" --pwfile="$password" --auth-local=peer --auth-host=scram-sha-256 --encoding=UTF8 --no-sync >/dev/null
rm "$password"

# One statement a line is what the server in single-user mode takes; -j makes it a statement up to an empty line.
single() { as_postgres postgres --single -j -D "$new" "$1" >/dev/null; }
printf 'CREATE DATABASE "%s";\n\n' "$POSTGRES_DB" | single postgres
for script in /docker-entrypoint-initdb.d/*.sql; do
    [ ! -e "$script" ] || { cat "$script"; echo; } | single "$POSTGRES_DB"
done
sync
mv "$new" "$data"
