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
template=/usr/local/share/postgres-template
if [ -d "$template" ]; then
    cp -a "$template" "$new"
else
    as_postgres initdb --pgdata="$new" --auth-local=peer --auth-host=scram-sha-256 --encoding=UTF8 --no-sync >/dev/null
fi
# For other VMs, where this one has a network.
echo "listen_addresses = '*'" >>"$new/postgresql.conf"
echo "host all all all scram-sha-256" >>"$new/pg_hba.conf"

# -j: a statement goes up to an empty line.
single() { as_postgres postgres --single -j -D "$new" "$1" >/dev/null; }
printf "ALTER USER postgres PASSWORD '%s';\n\nCREATE DATABASE \"%s\";\n\n" \
    "$(printf %s "$POSTGRES_PASSWORD" | sed "s/'/''/g")" "$POSTGRES_DB" | single postgres
for script in /docker-entrypoint-initdb.d/*.sql; do
    [ ! -e "$script" ] || { cat "$script"; echo; } | single "$POSTGRES_DB"
done
sync
mv "$new" "$data"
