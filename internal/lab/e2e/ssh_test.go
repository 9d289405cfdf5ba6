package e2e

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestSSH looks through OpenSSH's server: the genuine server is ok, and somebody
// who stands on the direct path only is named by the difference.
func TestSSH(t *testing.T) {
	paths := need(t, "nginx", "sshd", "ssh-keygen")
	o := newOrigin(t, paths[0])
	via, login := o.startSSH(t, paths[1], paths[2])
	o.scan(t, o.port, append(login, "--via", via)...).wantOK(t)

	// Directly the name leads to somebody else, from the SSH server to nginx.
	serveAt(t, "127.0.0.73:"+o.port, o.forge(t))
	args := append(login, "https://localhost:"+o.port, "--sni", host, "--name", host, "--program", "laboratory="+o.file("root.pem"), "--log-list", o.file("logs.json"),
		"--resolver", lieTo(t, "127.0.0.73"), "--via", "direct", "--via", via)
	r := runReports(t, "scan", args...)
	if got := r.rules(); !slices.Contains(got, vantages) || r.exit != 1 || len(r.Subjects) != 3 {
		t.Fatalf("%v, exit %d, %d subjects; want %s, 1, 3\n%s", got, r.exit, len(r.Subjects), vantages, r.text)
	}
	for _, s := range r.Subjects[:2] { // the third is their comparison
		if genuine := strings.Contains(s.ID, "?via=ssh://127.0.0.1:"); genuine != (s.Verdict == "ok") {
			t.Errorf("%s is %s\n%s", s.ID, s.Verdict, r.text)
		}
	}
}

// startSSH gives the URL of a server on loopback and the flags that log in.
func (o origin) startSSH(t *testing.T, sshd, keygen string) (via string, login []string) {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // where sshd, as root, gives up its rights
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	port := freePort(t)
	for _, name := range []string{"ssh_host", "ssh_user"} {
		run(t, o.dir, keygen, "-q", "-t", "ed25519", "-N", "", "-f", o.file(name))
	}
	public, err := os.ReadFile(o.file("ssh_host.pub"))
	if err != nil {
		t.Fatal(err)
	}
	o.write(t, "known_hosts", "[127.0.0.1]:"+port+" "+string(public))
	o.write(t, "sshd_config", fmt.Sprintf(`
ListenAddress 127.0.0.1:%s
HostKey %s
AuthorizedKeysFile %s
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding yes
`, port, o.file("ssh_host"), o.file("ssh_user.pub")))
	start(t, o.dir, port, sshd, "-D", "-e", "-f", o.file("sshd_config"))
	return "ssh://" + me.Username + "@127.0.0.1:" + port, []string{"--ssh-identity", o.file("ssh_user"), "--ssh-known-hosts", o.file("known_hosts")}
}

// lieTo is a name server that knows one address for every name.
func lieTo(t *testing.T, address string) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		answer := new(dns.Msg).SetReply(q)
		if len(q.Question) == 1 && q.Question[0].Qtype == dns.TypeA {
			answer.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.ParseIP(address)}}
		}
		_ = w.WriteMsg(answer)
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return conn.LocalAddr().String()
}
