package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// innElsewhere is where .ci/run unpacks INN: its package configures itself only on
// a machine that has a domain name.
const innElsewhere = "/opt/certassay-ci/inn2"

// startINN runs nnrpd, the part of InterNetNews that readers talk to, on a port
// where TLS begins with STARTTLS, or with the first byte where wrapped is set. The
// rest of the server need not run; what nnrpd reads of it is made here, and is
// empty. It offers STARTTLS even where it has no certificate.
func startINN(t *testing.T, o origin, wrapped bool) string {
	t.Helper()
	needRoot(t)
	const nnrpd = "/usr/lib/news/bin/nnrpd"
	unpacked := ""
	if _, err := os.Stat(nnrpd); err != nil {
		unpacked = innElsewhere
		if _, err := os.Stat(unpacked + nnrpd); err != nil {
			t.Skipf("INN is neither installed nor unpacked at %s", unpacked)
		}
	}
	dir, port := o.fresh(t), freePort(t)
	paths := ""
	for _, name := range []string{"news", "etc", "db", "run", "spool", "overview", "tmp", "log"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if name == "spool" {
			paths += fmt.Sprintf("patharticles: %s/spool\n", dir)
		}
		paths += fmt.Sprintf("path%s: %s/%s\n", name, dir, name)
	}
	copyFile(t, o.file("key.pem"), filepath.Join(dir, "etc", "key.pem"))
	if err := os.Chmod(filepath.Join(dir, "etc", "key.pem"), 0o600); err != nil {
		t.Fatal(err)
	}
	writeTo(t, dir, "etc/readers.conf", "auth lab {\n hosts: *\n default: lab\n}\naccess lab {\n users: lab\n newsgroups: *\n}\n")
	writeTo(t, dir, "etc/storage.conf", "method tradspool {\n newsgroups: *\n class: 0\n}\n")
	writeTo(t, dir, "etc/inn-secrets.conf", "")
	writeTo(t, dir, "db/active", "junk 0000000000 0000000001 n\n")
	writeTo(t, dir, "db/newsgroups", "")
	writeTo(t, dir, "db/history", "")
	writeTo(t, dir, "spool/tradspool.map", "")
	// An index of no group: the heads of its hash chains, all empty.
	writeTo(t, dir, "overview/group.index", string(bytes.Repeat([]byte{0xff}, 4*(1<<14+1))))
	config := writeTo(t, dir, "inn.conf", fmt.Sprintf(`mta: "/bin/false"
organization: lab
pathhost: news.lab.example
domain: lab.example
hismethod: hisv6
enableoverview: true
ovmethod: tradindexed
nnrpdloadlimit: 0
tlscertfile: %[3]s
tlskeyfile: %[1]s/etc/key.pem
%[2]s`, dir, paths, o.file("chain.pem")))
	give(t, dir, "news")
	args := []string{"INNCONF=" + config, "LD_LIBRARY_PATH=" + unpacked + "/usr/lib/news:/usr/lib/news", unpacked + nnrpd, "-D", "-f", "-b", "127.0.0.1", "-p", port}
	if wrapped {
		args = append(args, "-S")
	}
	start(t, dir, port, lookup(t, "env"), args...)
	return port
}
