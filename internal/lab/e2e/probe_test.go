package e2e

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/lab"
)

const (
	minting  = "intercept-mints-names"
	follows  = "intercept-follows-connect"
	vantages = "path-vantages-differ"
)

// canary are the rules of which one tells that one hand answers for unrelated
// names: by its key, or, where it makes one for each, by its issuer's.
var canary = []string{"intercept-shared-key", "intercept-one-issuer"}

// TestProbes has each interceptor give itself away: with a CA that bears the
// genuine one's name, beside the genuine server, and by nothing that depends on
// names, dates or extensions. The genuine server passes the same probes.
func TestProbes(t *testing.T) {
	for _, f := range allForgers() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel() // they mostly wait for servers to end
			paths := need(t, append([]string{"nginx"}, f.programs...)...)
			o := newOrigin(t, paths[0])
			port, proxy := f.start(t, o, paths[1:], o.clonedCA(t))
			via := "http://127.0.0.1:" + port
			if !proxy {
				via = "http://" + leadTo(t, "127.0.0.1:"+port)
			}
			r := o.probe(t, []string{host}, "--via", via, "--probe-path", "--every-hello")
			if got := r.rules(); slices.Contains(got, minting) == f.careful {
				t.Errorf("asked for invented names: %v; want %s unless its certificate was made before", got, minting)
			}
			if got := r.rules(); slices.Contains(got, follows) != f.byConnect {
				t.Errorf("asked for address and name: %v; want %s of those that go by CONNECT", got, follows)
			}
			r = o.probe(t, []string{host}, "--via", "direct", "--via", via)
			if got := r.rules(); !slices.Contains(got, vantages) || r.exit != 1 {
				t.Errorf("beside the genuine server: %v, exit %d; want %s, 1", got, r.exit, vantages)
			}
			if s := r.Subjects[0]; s.Verdict != "ok" || s.Anchor != "public" {
				t.Errorf("the genuine server: %s, %s", s.Verdict, s.Anchor)
			}
			o.compared(t, via)
			r = o.probe(t, []string{host, "www.bank.example"}, "--via", via)
			// These may show both names one certificate: some were asked by
			// address, and sslsplit with a fixed server writes every name it ever
			// heard into the certificate of that one.
			one := f.byConnect || f.careful || f.name == "sslsplit"
			if got := r.rules(); !one && !slices.ContainsFunc(canary, func(id string) bool { return slices.Contains(got, id) }) {
				t.Errorf("unrelated names: %v; want one of %v", got, canary)
			}
		})
	}
}

// compared saves what is seen directly and through an interceptor, and has the
// files compared: the intercepted path is named, two honest ones are not.
func (o origin) compared(t *testing.T, via string) {
	t.Helper()
	here, there, again := o.file("here.evidence"), o.file("there.evidence"), o.file("again.evidence")
	o.probe(t, []string{host}, "--evidence", here)
	o.probe(t, []string{host}, "--via", via, "--evidence", there)
	o.probe(t, []string{host}, "--via", "http://"+leadTo(t, "127.0.0.1:"+o.port), "--evidence", again)
	world := []string{"--program", "laboratory=" + o.file("root.pem"), "--log-list", o.file("logs.json")}
	for _, tt := range []struct {
		other string
		exit  int
	}{{there, 1}, {again, 0}} {
		cmd := exec.CommandContext(t.Context(), binary, append([]string{"compare", here, tt.other}, world...)...)
		out, _ := cmd.CombinedOutput() // its exit code is looked at
		if got := cmd.ProcessState.ExitCode(); got != tt.exit || strings.Contains(string(out), vantages) != (tt.exit == 1) {
			t.Errorf("compare with %s: exit %d, want %d\n%s", filepath.Base(tt.other), got, tt.exit, out)
		}
	}
}

// TestProbesOfTheGenuine: a server without an interceptor passes every probe, by
// itself, through a proxy, and for both.
func TestProbesOfTheGenuine(t *testing.T) {
	programs := need(t, "nginx", "squid")
	o := newOrigin(t, programs[0])
	through := "http://" + leadTo(t, "127.0.0.1:"+o.port)
	squid := "http://127.0.0.1:" + runSquid(t, o.fresh(t), programs[1], "", "acl SSL_ports port "+o.port)
	for _, more := range [][]string{nil, {"--via", through}, {"--via", "direct", "--via", through}, {"--via", squid}} {
		r := o.probe(t, []string{host}, append(more, "--probe-path", "--every-hello")...)
		r.wantPublic(t)
		for _, s := range r.Subjects {
			if s.Verdict != "ok" {
				t.Errorf("%v: %s is %s\n%s", more, s.ID, s.Verdict, r.text)
			}
		}
		for _, id := range append(slices.Clone(canary), minting, follows, vantages) {
			if slices.Contains(r.rules(), id) {
				t.Errorf("%v: %s accuses the genuine server", more, id)
			}
		}
	}
}

// probe scans names at the genuine server's port in the public world of the
// laboratory.
func (o origin) probe(t *testing.T, names []string, more ...string) report {
	t.Helper()
	args := []string{"--program", "laboratory=" + o.file("root.pem"), "--log-list", o.file("logs.json")}
	for _, name := range names {
		args = append(args, "https://"+name+":"+o.port, "--resolve", name+":"+o.port+":127.0.0.1")
	}
	return runReports(t, "scan", append(args, more...)...)
}

// rules are those with findings, of all subjects.
func (r report) rules() (out []string) {
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			out = append(out, f.Rule)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// leadTo is a proxy that connects everybody to one server: a path that somebody
// stands on.
func leadTo(t *testing.T, server string) string {
	return lab.Listen(t, func(ctx context.Context, client net.Conn) {
		in := bufio.NewReader(client)
		if _, err := http.ReadRequest(in); err != nil {
			return
		}
		far, err := (&net.Dialer{}).DialContext(ctx, "tcp", server)
		if err != nil {
			return
		}
		defer far.Close()
		_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_, _ = io.Copy(far, in)
			far.Close()
		}()
		_, _ = io.Copy(client, far)
	})
}
