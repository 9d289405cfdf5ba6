package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/certassay/certassay/internal/lab"
)

// TestSSH looks through OpenSSH's server, behind another one (ProxyJump), both of
// them aliases of the user's ssh_config: the genuine server is ok, and somebody who
// stands on the direct path only is named by the difference.
func TestSSH(t *testing.T) {
	paths := need(t, "nginx", "sshd", "ssh-keygen", "ssh")
	o := newOrigin(t, paths[0])
	servers := o.startSSH(t, paths[1], paths[2])
	o.scan(t, o.port, "--via", "ssh://inner", "--ssh-config", servers.config(t, "")).wantOK(t)

	// Directly the name leads to somebody else, from the SSH server to nginx.
	serveAt(t, "127.0.0.73:"+o.port, o.forge(t))
	r := runReports(t, "scan", "https://localhost:"+o.port, "--sni", host, "--name", host, "--program", "laboratory="+o.file("root.pem"), "--log-list", o.file("logs.json"),
		"--resolver", lieTo(t, "127.0.0.73"), "--via", "direct", "--via", "ssh://inner", "--ssh-config", servers.config(t, ""))
	if got := r.rules(); !slices.Contains(got, vantages) || r.exit != 1 || len(r.Subjects) != 3 {
		t.Fatalf("%v, exit %d, %d subjects; want %s, 1, 3\n%s", got, r.exit, len(r.Subjects), vantages, r.text)
	}
	for _, s := range r.Subjects[:2] { // the third is their comparison
		if genuine := strings.HasSuffix(s.ID, "?via=ssh://inner"); genuine != (s.Verdict == "ok") {
			t.Errorf("%s is %s\n%s", s.ID, s.Verdict, r.text)
		}
	}
	servers.wantGone(t)
}

// TestSSHRefused: where the way to the target is not the user's, or ends early,
// nothing is said of the target, and what ssh said is.
func TestSSHRefused(t *testing.T) {
	paths := need(t, "nginx", "sshd", "ssh-keygen", "ssh")
	o := newOrigin(t, paths[0])
	servers := o.startSSH(t, paths[1], paths[2])
	known := writeTo(t, o.dir, "known_wrong", "[127.0.0.1]:"+servers.inner+" "+servers.jumpKey+"[127.0.0.1]:"+servers.jump+" "+servers.jumpKey)
	for _, tt := range []struct{ name, via, lines, want, hint string }{
		{"wrong host key", "ssh://inner", "UserKnownHostsFile " + known + "\n  StrictHostKeyChecking no", "IDENTIFICATION HAS CHANGED", "somebody may stand between"},
		{"login", "ssh://inner", "User stranger", "Permission denied", "without asking"},
		{"dead jump", "ssh://dead", "", "Connection closed", "one on the way to it"},
		{"forbidden target", "ssh://jump", "", "does not let this user connect there", "PermitOpen"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := o.scan(t, o.port, "--via", tt.via, "--ssh-config", servers.config(t, tt.lines))
			if s := r.Subjects[0]; r.exit != 3 || s.Verdict != "inconclusive" || !strings.Contains(r.text, tt.want) || !strings.Contains(r.text, tt.hint) {
				t.Errorf("exit %d, verdict %s; want 3, inconclusive, %q and %q\n%s", r.exit, s.Verdict, tt.want, tt.hint, r.text)
			}
			servers.wantGone(t)
		})
	}
}

// TestSSHInterrupted: Ctrl-C in the middle of a handshake leaves a report, and no
// ssh behind.
func TestSSHInterrupted(t *testing.T) {
	paths := need(t, "nginx", "sshd", "ssh-keygen", "ssh")
	o := newOrigin(t, paths[0])
	servers := o.startSSH(t, paths[1], paths[2])
	reached := make(chan struct{}, 10)
	silent := lab.Listen(t, func(ctx context.Context, _ net.Conn) {
		reached <- struct{}{}
		<-ctx.Done()
	})
	cmd := exec.CommandContext(t.Context(), binary, "scan", silent, "--timeout", "10m", "--via", "ssh://inner", "--ssh-config", servers.config(t, ""))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &out, append(os.Environ(), "TMPDIR="+servers.temporary)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-reached:
	case <-time.After(startTime):
		t.Error("the target was not reached")
	}
	_ = cmd.Process.Signal(os.Interrupt)
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 130 || !strings.Contains(out.String(), "INCOMPLETE") {
		t.Errorf("exit %d\n%s", got, out.String())
	}
	servers.wantGone(t)
	if left, err := os.ReadDir(servers.temporary); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Two servers on loopback: inner, which lets everything through, and jump, which
// leads to inner alone.
type sshServers struct {
	o                  origin
	user, inner, jump  string
	jumpKey, temporary string
}

func (o origin) startSSH(t *testing.T, sshd, keygen string) *sshServers {
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
	s := &sshServers{o: o, user: me.Username, inner: freePort(t), jump: freePort(t), temporary: t.TempDir()}
	keys := map[string]string{}
	for _, name := range []string{"ssh_inner", "ssh_jump", "ssh_user"} {
		run(t, o.dir, keygen, "-q", "-t", "ed25519", "-N", "", "-f", o.file(name))
		public, err := os.ReadFile(o.file(name + ".pub"))
		if err != nil {
			t.Fatal(err)
		}
		keys[name] = string(public)
	}
	s.jumpKey = keys["ssh_jump"]
	o.write(t, "known_hosts", "[127.0.0.1]:"+s.inner+" "+keys["ssh_inner"]+"[127.0.0.1]:"+s.jump+" "+keys["ssh_jump"])
	for name, port := range map[string]string{"inner": s.inner, "jump": s.jump} {
		permit := "PermitOpen any"
		if name == "jump" {
			permit = "PermitOpen 127.0.0.1:" + s.inner
		}
		o.write(t, "sshd_"+name, fmt.Sprintf(`
ListenAddress 127.0.0.1:%s
HostKey %s
AuthorizedKeysFile %s
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding yes
%s
`, port, o.file("ssh_"+name), o.file("ssh_user.pub"), permit))
		start(t, o.dir, port, sshd, "-D", "-e", "-f", o.file("sshd_"+name))
	}
	return s
}

// config writes an ssh_config as a user has one. The lines go over it.
func (s *sshServers) config(t *testing.T, lines string) (path string) {
	t.Helper()
	return writeTo(t, s.o.dir, "ssh_config", fmt.Sprintf(`
Host inner dead
  %s
Host dead
  ProxyJump nobody@127.0.0.1:%s
Host inner
  ProxyJump jump
Host inner dead
  Port %s
Host jump
  Port %s
Host *
  HostName 127.0.0.1
  User %s
  IdentityFile %s
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile %s
`, lines, freePort(t), s.inner, s.jump, s.user, s.o.file("ssh_user"), s.o.file("known_hosts")))
}

// wantGone wants no ssh left that was started with the configuration.
func (s *sshServers) wantGone(t *testing.T) {
	t.Helper()
	var left []string
	for end := time.Now().Add(startTime); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		left = nil
		lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, path := range lines {
			text, _ := os.ReadFile(path) // one that has ended has none
			program, args, _ := strings.Cut(string(text), "\x00")
			if filepath.Base(program) == "ssh" && strings.Contains(args, s.o.file("ssh_config")) {
				left = append(left, strings.ReplaceAll(args, "\x00", " "))
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("still running: %q", left)
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
