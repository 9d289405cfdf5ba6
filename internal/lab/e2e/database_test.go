package e2e

import "testing"

// newCluster makes a PostgreSQL cluster and gives what starts a server of it, on
// or off with TLS.
func newCluster(t *testing.T, o origin) (serve func(ssl string) string) {
	t.Helper()
	initdb, postgres := newest(t, "/usr/lib/postgresql/*/bin/initdb"), newest(t, "/usr/lib/postgresql/*/bin/postgres")
	key := o.ownKey(t, "postgres.key", "postgres")
	return func(ssl string) string {
		data := o.makeDir(t, "postgres-"+ssl)
		give(t, data, "postgres")
		program, args := as(t, "postgres", initdb, "-D", data, "-A", "trust", "--no-sync", "--no-instructions", "-E", "UTF8", "--locale", "C")
		run(t, o.dir, program, args...)
		port := freePort(t)
		program, args = as(t, "postgres", postgres, "-D", data, "-p", port, "-h", "127.0.0.1", "-k", data, "-c", "fsync=off",
			"-c", "ssl="+ssl, "-c", "ssl_cert_file="+o.file("chain.pem"), "-c", "ssl_key_file="+key)
		start(t, o.dir, port, program, args...)
		return port
	}
}

// startMariaDB runs a server without tables, which is enough for a handshake.
func startMariaDB(t *testing.T, o origin, name string, tls ...string) string {
	t.Helper()
	port := freePort(t)
	data := o.makeDir(t, name)
	give(t, data, "mysql")
	program, args := as(t, "mysql", lookup(t, "mariadbd"), append([]string{"--no-defaults", "--datadir=" + data, "--skip-grant-tables", "--skip-innodb",
		"--default-storage-engine=Aria", "--bind-address=127.0.0.1", "--port=" + port, "--socket=" + data + "/sock", "--pid-file=" + data + "/pid"}, tls...)...)
	start(t, o.dir, port, program, args...)
	return port
}
