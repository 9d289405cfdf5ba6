package e2e

import "testing"

// TestPostgreSQL: a fresh cluster, with TLS and without.
func TestPostgreSQL(t *testing.T) {
	need(t)
	initdb, postgres := newest(t, "/usr/lib/postgresql/*/bin/initdb"), newest(t, "/usr/lib/postgresql/*/bin/postgres")
	o := newSite(t)
	data := o.makeDir(t, "data")
	give(t, data, "postgres")
	program, args := as(t, "postgres", initdb, "-D", data, "-A", "trust", "--no-sync", "--no-instructions", "-E", "UTF8", "--locale", "C")
	run(t, o.dir, program, args...)
	give(t, o.file("key.pem"), "postgres")
	o.chmod(t, "key.pem", 0o600)
	serve := func(t *testing.T, ssl string) string {
		t.Helper()
		port := freePort(t)
		program, args := as(t, "postgres", postgres, "-D", data, "-p", port, "-h", "127.0.0.1", "-k", data, "-c", "fsync=off",
			"-c", "ssl="+ssl, "-c", "ssl_cert_file="+o.file("chain.pem"), "-c", "ssl_key_file="+o.file("key.pem"))
		start(t, o.dir, port, program, args...)
		return port
	}
	t.Run("tls", func(t *testing.T) { o.scanAs(t, "postgres", serve(t, "on")).wantOK(t) })
	t.Run("stripped", func(t *testing.T) {
		o.scanAs(t, "postgres", serve(t, "off")).wantOnlyError(t, "starttls", "does not offer TLS")
	})
}

// TestMariaDB: a server without tables is enough for a handshake.
func TestMariaDB(t *testing.T) {
	mariadbd := need(t, "mariadbd")[0]
	o := newSite(t)
	serve := func(t *testing.T, name string, tls ...string) string {
		t.Helper()
		port := freePort(t)
		data := o.makeDir(t, name)
		give(t, data, "mysql")
		program, args := as(t, "mysql", mariadbd, append([]string{"--no-defaults", "--datadir=" + data, "--skip-grant-tables", "--skip-innodb",
			"--default-storage-engine=Aria", "--bind-address=127.0.0.1", "--port=" + port, "--socket=" + data + "/sock", "--pid-file=" + data + "/pid"}, tls...)...)
		start(t, o.dir, port, program, args...)
		return port
	}
	t.Run("tls", func(t *testing.T) {
		o.scanAs(t, "mysql", serve(t, "data", "--ssl-cert="+o.file("chain.pem"), "--ssl-key="+o.file("key.pem"))).wantOK(t)
	})
	t.Run("stripped", func(t *testing.T) {
		o.scanAs(t, "mysql", serve(t, "plain", "--skip-ssl")).wantOnlyError(t, "starttls", "does not offer TLS")
	})
}
