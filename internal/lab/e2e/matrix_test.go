package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/collect/starttls"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/target"
)

// A protocol is one scheme with the ports of its servers.
type protocol struct {
	scheme, server string
	good           string // the real server
	stripped       string // the same without TLS
	says           string // what is reported of that one
	flood          func(context.Context, net.Conn)
}

// A variant is how the servers of all schemes behave at once.
type variant struct {
	name string
	// port is where the scheme is looked at.
	port func(t *testing.T, p protocol) string
	// stages and text are what is reported where the answer is no certificate.
	stages []string
	text   func(p protocol) string
}

// maxResident bounds the memory of one run, in KiB, whatever the servers send: the
// program alone has some 150 MiB.
const maxResident = 400 << 10

// TestProtocols looks at every scheme at its real server, at somebody who takes the
// connection over where TLS begins, at the same server without TLS, at that of
// another protocol, at the real one on a path that passes a byte at a time, and at
// one that never stops. All of a kind are looked at in one run,
// with an honest server beside them, which stays ok.
func TestProtocols(t *testing.T) {
	need(t, "postfix", "dovecot", "vsftpd", "slapd", "prosody", "mariadbd", "inspircd", "Xtigervnc", "xrdp", "chronyd", "unbound", "caddy", "nginx")
	needRoot(t)
	o := newOrigin(t, lookup(t, "nginx"))
	all := o.everyServer(t)
	for _, s := range target.Schemes() {
		if !slices.ContainsFunc(all, func(p protocol) bool { return p.scheme == s.Name }) {
			t.Errorf("%s:// is not looked at", s.Name)
		}
	}
	t.Run("good", func(t *testing.T) {
		o.matrix(t, all, func(t *testing.T, p protocol) string { return p.good }, "20s", func(t *testing.T, p protocol, r report) { r.wantOK(t) })
	})
	t.Run("intercepted", func(t *testing.T) {
		forged := o.forge(t)
		o.matrix(t, all, func(t *testing.T, p protocol) string {
			if p.scheme == "quic" {
				return startCaddy(t, o, lookup(t, "caddy"), o.interceptor())
			}
			return between(t, p.good, func(near, far net.Conn) { takeOver(t.Context(), near, far, forged) })
		}, "60s", func(t *testing.T, p protocol, r report) { r.wantCaught(t, caught, untrusted) })
	})
	for _, v := range o.variants(all) {
		t.Run(v.name, func(t *testing.T) {
			o.matrix(t, all, v.port, "10s", func(t *testing.T, p protocol, r report) {
				s := r.Subjects[0]
				// The certificate of a time server can be seen before it fails as one.
				if s.Verdict == "ok" && len(s.Errors) > 0 && s.Errors[0].Stage != "nts" || s.Complete || len(s.Errors) == 0 || r.exit != 3 {
					t.Fatalf("verdict %s, complete %v, errors %v, exit %d; want neither ok nor complete, why, and 3\n%s", s.Verdict, s.Complete, s.Errors, r.exit, r.text)
				}
				if first := s.Errors[0]; !slices.Contains(v.stages, first.Stage) || !strings.Contains(first.Error, v.text(p)) {
					t.Errorf("stage %s: %s; want %q at one of %v", first.Stage, first.Error, v.text(p), v.stages)
				}
				t.Log(s.Errors[0].Stage, s.Errors[0].Error)
			})
		})
	}
}

// matrix scans all schemes in one run and has each judged as if it were alone.
func (o origin) matrix(t *testing.T, all []protocol, port func(*testing.T, protocol) string, timeout string, judge func(*testing.T, protocol, report)) {
	t.Helper()
	args := []string{"--roots", o.file("root.pem"), "--timeout", timeout, "--retries", "0", "--concurrency", "40", "https://" + host + ":" + o.port, "--resolve", host + ":" + o.port + ":127.0.0.1"}
	taken := map[string]bool{o.port: true} // a server is looked at once under a port
	for _, p := range all {
		n := port(t, p)
		if taken[n] && p.scheme != "quic" {
			n = between(t, n, pass)
		}
		taken[n] = true
		args = append(args, p.scheme+"://"+host+":"+n, "--resolve", host+":"+n+":127.0.0.1")
	}
	began := time.Now()
	r := runReports(t, "scan", args...)
	if r.resident > maxResident {
		t.Errorf("took %d KiB of memory, want %d at most", r.resident, maxResident)
	}
	t.Logf("%d targets in %v, %d MiB", len(r.Subjects), time.Since(began).Round(time.Millisecond), r.resident>>10)
	if len(r.Subjects) != len(all)+1 {
		t.Fatalf("%d subjects, want %d", len(r.Subjects), len(all)+1)
	}
	if s := r.Subjects[0]; s.Verdict != "ok" || !s.Complete {
		t.Errorf("the honest server beside them: %s, %v", s.Verdict, s.Errors)
	}
	for i, p := range all {
		t.Run(p.scheme, func(t *testing.T) {
			one := r
			one.Subjects = r.Subjects[i+1 : i+2]
			judge(t, p, one)
		})
	}
}

func (o origin) variants(all []protocol) []variant {
	find := func(scheme string) protocol {
		return all[slices.IndexFunc(all, func(p protocol) bool { return p.scheme == scheme })]
	}
	const silent = "no answer to QUIC"
	begin := []string{"starttls", "handshake", "nts", "dial"}
	return []variant{
		{"stripped", func(t *testing.T, p protocol) string { return p.stripped }, begin, func(p protocol) string { return p.says }},
		{"wrong greeting", func(t *testing.T, p protocol) string {
			switch p.scheme {
			case "quic":
				return echo(t)
			case "imap", "imaps":
				return find("smtp").good
			}
			return find("imap").good
		}, begin, func(p protocol) string {
			if s, _ := target.LookupScheme(p.scheme); s.Implicit {
				return "does not speak TLS"
			}
			return ""
		}},
		{"slow", func(t *testing.T, p protocol) string {
			if p.scheme == "quic" {
				return trickleUDP(t, p.good)
			}
			return between(t, p.good, trickle)
		}, begin, func(p protocol) string {
			if p.scheme == "quic" {
				return silent
			}
			return "timeout"
		}},
		{"oversize", func(t *testing.T, p protocol) string {
			if p.scheme == "quic" {
				return floodUDP(t)
			}
			_, port, _ := net.SplitHostPort(lab.Listen(t, p.flood))
			return port
		}, begin, func(protocol) string { return "" }},
	}
}

// pass passes on everything.
func pass(near, far net.Conn) {
	go func() {
		_, _ = io.Copy(far, near)
		_ = far.Close() // ends the other direction too
	}()
	_, _ = io.Copy(near, far)
}

// takeOver passes on what is said in the clear, whatever the protocol, and answers
// the ClientHello in place of the server.
func takeOver(ctx context.Context, near, far net.Conn, forged tls.Certificate) {
	go func() { _, _ = io.Copy(near, far) }()
	buffer := make([]byte, 4096)
	for {
		n, err := near.Read(buffer)
		if err != nil {
			return
		}
		// MySQL's request for TLS may come in one piece with the ClientHello; TDS
		// has it in a packet.
		begin := bytes.Index(buffer[:n], []byte("\x16\x03\x01"))
		framed := begin == 8 && bytes.HasPrefix(buffer, []byte("\x12\x01"))
		clear := n
		if framed {
			clear = 0
		} else if begin >= 0 {
			clear = begin
		}
		if _, err := far.Write(buffer[:clear]); err != nil {
			return
		}
		if begin < 0 {
			continue
		}
		var conn net.Conn = &replayed{Conn: near, first: buffer[clear:n]}
		if framed {
			conn = starttls.Wrap(conn, "mssql")
		}
		server := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{forged}, NextProtos: []string{"h2", "ntske/1", "dot"}})
		_ = server.HandshakeContext(ctx)
		if framed { // what comes now is not
			_, _ = io.Copy(io.Discard, near)
		}
		return
	}
}

// A replayed connection gives once more what was read of it.
type replayed struct {
	net.Conn
	first []byte
}

// Read implements net.Conn.
func (c *replayed) Read(b []byte) (int, error) {
	if len(c.first) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.first)
	c.first = c.first[n:]
	return n, nil
}

// trickle passes on what the client says, and of what the server says a byte every
// half second.
func trickle(near, far net.Conn) {
	go func() {
		_, _ = io.Copy(far, near)
		_ = far.Close() // ends the other direction too
	}()
	buffer := make([]byte, 1)
	for {
		if _, err := far.Read(buffer); err != nil {
			return
		}
		if _, err := near.Write(buffer); err != nil {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// repeat says something once and then something else for ever.
func repeat(first, rest string) func(context.Context, net.Conn) {
	return func(_ context.Context, conn net.Conn) {
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		_, err := io.WriteString(conn, first)
		for rest = strings.Repeat(rest, 1+4096/len(rest)); err == nil; {
			_, err = io.WriteString(conn, rest)
		}
	}
}

// floodTLS lets a preamble come to its end, and answers the ClientHello with a
// message of 16 MB that has no end.
func floodTLS(hears int, says string) func(context.Context, net.Conn) {
	const hello = "\x16\x03\x03\x40\x00"
	return func(ctx context.Context, conn net.Conn) {
		if _, err := io.CopyN(io.Discard, conn, int64(hears)); err != nil {
			return
		}
		if _, err := io.WriteString(conn, says); err != nil {
			return
		}
		if _, err := conn.Read(make([]byte, 4096)); err != nil {
			return
		}
		repeat(hello+"\x0b\xff\xff\xff"+strings.Repeat("\x00", 1<<14-4), hello+strings.Repeat("\x00", 1<<14))(ctx, conn)
	}
}

// udp answers every datagram on a port of loopback.
func udp(t *testing.T, answer func(conn net.PacketConn, from net.Addr, datagram []byte)) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			answer(conn, from, slices.Clone(buffer[:n]))
		}
	}()
	_, port, _ := net.SplitHostPort(conn.LocalAddr().String())
	return port
}

// echo speaks the echo protocol (RFC 862), which is not QUIC.
func echo(t *testing.T) string {
	return udp(t, func(conn net.PacketConn, from net.Addr, datagram []byte) { _, _ = conn.WriteTo(datagram, from) })
}

// floodUDP sends a thousand long datagrams for every one.
func floodUDP(t *testing.T) string {
	return udp(t, func(conn net.PacketConn, from net.Addr, datagram []byte) {
		for range 1000 {
			_, _ = conn.WriteTo(slices.Concat([]byte{0xc0, 0, 0, 0, 1, 0, 0, 0}, make([]byte, 1400)), from)
		}
	})
}

// trickleUDP passes on what the server of a port says, half a minute late.
func trickleUDP(t *testing.T, port string) string {
	t.Helper()
	far, err := net.Dial("udp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	return udp(t, func(_ net.PacketConn, _ net.Addr, datagram []byte) { _, _ = far.Write(datagram) })
}

// startUnbound runs a resolver that answers over TLS and in the clear.
func startUnbound(t *testing.T, o origin) (plain, wrapped string) {
	t.Helper()
	plain, wrapped = freePort(t), freePort(t)
	o.write(t, "unbound.conf", fmt.Sprintf(`
server:
  directory: "%[1]s"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  interface: 127.0.0.1@%[2]s
  interface: 127.0.0.1@%[3]s
  tls-port: %[3]s
  tls-service-key: "%[1]s/key.pem"
  tls-service-pem: "%[1]s/chain.pem"
  do-ip6: no
  module-config: "iterator"
remote-control:
  control-enable: no
`, o.dir, plain, wrapped))
	start(t, o.dir, wrapped, lookup(t, "unbound"), "-d", "-c", o.file("unbound.conf"))
	return plain, wrapped
}

// startMSSQL is a small server of our own: none is packaged. It speaks as much TDS
// ([MS-TDS] section 2.2.6.5) as goes before TLS, with or without encryption.
func startMSSQL(t *testing.T, o origin, encryption byte) string {
	t.Helper()
	chain, err := tls.LoadX509KeyPair(o.file("chain.pem"), o.file("key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(lab.Listen(t, func(ctx context.Context, conn net.Conn) {
		if _, err := io.ReadFull(conn, make([]byte, preloginSize)); err != nil {
			return
		}
		_, _ = io.WriteString(conn, prelogin+string(encryption))
		server := tls.Server(starttls.Wrap(conn, "mssql"), &tls.Config{Certificates: []tls.Certificate{chain}})
		_ = server.HandshakeContext(ctx)
		_, _ = io.Copy(io.Discard, conn)
	}))
	return port
}

const (
	// preloginSize is that of our PRELOGIN, prelogin the answer but for its last
	// byte, which says whether the server encrypts.
	preloginSize = 26
	prelogin     = "\x04\x01\x00\x0f\x00\x00\x01\x00\x01\x00\x06\x00\x01\xff"
	encryptOn    = 1
	encryptNever = 2
)

// floodNTS is a time server whose cookies have no end.
func (o origin) floodNTS(t *testing.T) func(context.Context, net.Conn) {
	t.Helper()
	chain, err := tls.LoadX509KeyPair(o.file("chain.pem"), o.file("key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context, conn net.Conn) {
		server := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{chain}, NextProtos: []string{"ntske/1"}})
		if server.HandshakeContext(ctx) != nil {
			return
		}
		cookie := "\x00\x05\x00\x64" + strings.Repeat("c", 100)
		for err := error(nil); err == nil; {
			_, err = io.WriteString(server, strings.Repeat(cookie, 100))
		}
	}
}

// everyServer starts a server for every scheme, most of them twice: with TLS and
// without.
func (o origin) everyServer(t *testing.T) []protocol {
	t.Helper()
	const text, plain = "220 ", "does not speak TLS"
	implicit := floodTLS(0, "")
	smtp, smtps := startPostfix(t, o, "may")
	clear, _ := startPostfix(t, o, "none")
	mail, bare := startDovecot(t, o, "yes"), startDovecot(t, o, "no")
	withTLS := fmt.Sprintf("ssl_enable=YES\nrsa_cert_file=%[1]s/chain.pem\nrsa_private_key_file=%[1]s/key.pem\n", o.dir)
	ftp, ftps, ftpBare := startFTP(t, o, "tls", withTLS), startFTP(t, o, "implicit", withTLS+"implicit_ssl=YES\n"), startFTP(t, o, "plain", "")
	ldap, ldaps := startLDAP(t, o, true)
	ldapBare, _ := startLDAP(t, o, false)
	c2s, s2s := startProsody(t, o, "tls", "")
	c2sBare, s2sBare := startProsody(t, o, "plain", `"tls"`)
	postgres := newCluster(t, o)
	mysql, mysqlBare := startMariaDB(t, o, "mysql-tls", "--ssl-cert="+o.file("chain.pem"), "--ssl-key="+o.file("key.pem")), startMariaDB(t, o, "mysql-plain", "--skip-ssl")
	irc, ircs := startInspIRCd(t, o, true)
	ircBare, _ := startInspIRCd(t, o, false)
	dns, dot := startUnbound(t, o)
	nntp := startINN(t, o, false)
	return []protocol{
		{"tls", "nginx", o.port, o.plain, plain, implicit},
		{"https", "nginx", o.port, o.plain, plain, implicit},
		{"smtps", "Postfix", smtps, clear, plain, implicit},
		{"imaps", "Dovecot", mail.imaps, bare.imap, plain, implicit},
		{"pop3s", "Dovecot", mail.pop3s, bare.pop3, plain, implicit},
		{"ldaps", "OpenLDAP", ldaps, ldapBare, "", implicit},
		{"ftps", "vsftpd", ftps, ftpBare, plain, implicit},
		{"nntps", "INN", startINN(t, o, true), nntp, plain, implicit},
		{"ircs", "InspIRCd", ircs, ircBare, "", implicit},
		{"dot", "Unbound", dot, dns, "", implicit},
		{"nts", "chrony", startNTS(t, o), o.port, "no application protocol", o.floodNTS(t)},
		{"smtp", "Postfix", smtp, clear, "does not offer STARTTLS", repeat(text, "x")},
		{"submission", "Postfix", smtp, clear, "does not offer STARTTLS", repeat("", "220-x\r\n")},
		{"lmtp", "Dovecot", mail.lmtp, bare.lmtp, "does not offer STARTTLS", repeat(text, "x")},
		{"imap", "Dovecot", mail.imap, bare.imap, "does not offer STARTTLS", repeat("* OK hello\r\n", "* CAPABILITY IMAP4rev1\r\n")},
		{"pop3", "Dovecot", mail.pop3, bare.pop3, "does not offer STLS", repeat("+OK\r\n+OK\r\n", "UIDL\r\n")},
		{"ftp", "vsftpd", ftp, ftpBare, "does not know AUTH TLS", repeat("220-x\r\n", "\n")},
		{"ldap", "OpenLDAP", ldap, ldapBare, "StartTLS", repeat("\x30\x84\xff\xff\xff\xff", "x")},
		{"xmpp", "Prosody", c2s, c2sBare, "does not offer STARTTLS", repeat("<a b='", "x")},
		{"xmpp-server", "Prosody", s2s, s2sBare, "does not offer STARTTLS", repeat("", " ")},
		{"postgres", "PostgreSQL", postgres("on"), postgres("off"), "does not offer TLS", floodTLS(8, "S")},
		{"mysql", "MariaDB", mysql, mysqlBare, "does not offer TLS", repeat("\xff\xff\xff\x00", "x")},
		{"mssql", "our own", startMSSQL(t, o, encryptOn), startMSSQL(t, o, encryptNever), "does not support encryption", floodTLS(preloginSize, prelogin+"\x01")},
		{"nntp", "INN", nntp, between(t, nntp, strip), "does not offer STARTTLS", repeat("200 news\r\n101 list\r\n", "VERSION 2\r\n")},
		{"sieve", "Dovecot", mail.sieve, bare.sieve, "does not offer STARTTLS", repeat("", "\"X\" {4}\r\nabcd\r\n")},
		{"irc", "InspIRCd", irc, ircBare, "does not offer STARTTLS", repeat("", "PING :x\r\n")},
		{"rdp", "xrdp", startRDP(t, o, "tls"), startRDP(t, o, "rdp"), "own encryption", floodTLS(19, "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x1f\x08\x00\x01\x00\x00\x00")},
		{"vnc", "TigerVNC", startVNC(t, o, "None,TLSNone,X509None"), startVNC(t, o, "None"), "does not offer VeNCrypt", repeat("RFB 003.008\n\x00\xff\xff\xff\xff", "x")},
		{"quic", "Caddy", startQUIC(t, o), o.port, "no answer to QUIC", nil},
	}
}
