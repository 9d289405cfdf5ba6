package starttls

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/target"
)

// A turn is what a server says once it has heard what begins so; the first of a
// server that speaks first hears nothing.
type turn struct{ hears, says string }

// A peer plays a server without a network: it says its turns and then silence.
type peer struct {
	turns []turn
	chunk int   // bytes of one read; 0 for all there are
	end   error // what reading gives in the end
	heard bytes.Buffer
	ready []byte
	read  int
	wrong string // what was heard in place of what the turn wants
}

func newPeer(turns ...turn) *peer {
	p := &peer{turns: turns, end: os.ErrDeadlineExceeded}
	p.advance("")
	return p
}

func (p *peer) advance(heard string) {
	if len(p.turns) == 0 || (p.turns[0].hears == "") != (heard == "") {
		return
	}
	if !strings.HasPrefix(heard, p.turns[0].hears) {
		p.wrong = heard
		return
	}
	p.ready = append(p.ready, p.turns[0].says...)
	p.turns = p.turns[1:]
}

func (p *peer) Write(b []byte) (int, error) {
	p.heard.Write(b)
	p.advance(string(b))
	return len(b), nil
}

func (p *peer) Read(b []byte) (int, error) {
	if len(p.ready) == 0 {
		return 0, p.end
	}
	n := len(b)
	if p.chunk > 0 {
		n = min(n, p.chunk)
	}
	n = copy(b[:n], p.ready)
	p.ready = p.ready[n:]
	p.read += n
	return n, nil
}

// The answers of servers that go ahead, protocol by protocol. The texts are
// those of real servers.
var good = map[string][]turn{
	"smtp": {
		{"", "220-mail.test ESMTP\r\n220 ready\r\n"},
		{"EHLO certassay.invalid\r\n", "250-mail.test\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 CHUNKING\r\n"},
		{"STARTTLS\r\n", "220 2.0.0 Ready to start TLS\r\n"},
	},
	"submission": {
		{"", "220 mail.test ESMTP\r\n"},
		{"EHLO certassay.invalid\r\n", "250-mail.test\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"},
		{"STARTTLS\r\n", "220 2.0.0 Ready to start TLS\r\n"},
	},
	"lmtp": {
		{"", "220 mail.test LMTP\r\n"},
		{"LHLO ", "250-mail.test\r\n250 starttls\r\n"},
		{"STARTTLS\r\n", "220 go\n"},
	},
	"imap": {
		{"", "* OK [CAPABILITY IMAP4rev1 STARTTLS] Dovecot ready.\r\n"},
		{"a1 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 LITERAL+ STARTTLS LOGINDISABLED\r\na1 OK done.\r\n"},
		{"a2 STARTTLS\r\n", "a2 OK Begin TLS negotiation now.\r\n"},
	},
	"pop3": {
		{"", "+OK Dovecot ready.\r\n"},
		{"CAPA\r\n", "+OK\r\nCAPA\r\nUIDL\r\nSTLS\r\n.\r\n"},
		{"STLS\r\n", "+OK Begin TLS negotiation now.\r\n"},
	},
	"ftp": {
		{"", "120 in a minute\r\n220-Welcome\r\n to 500 files\r\n220 (vsFTPd 3.0.3)\r\n"},
		{"AUTH TLS\r\n", "234 Proceed with negotiation.\r\n"},
	},
	"nntp": {
		{"", "201 news.test InterNetNews ready\r\n"},
		{"CAPABILITIES\r\n", "101 Capability list:\r\nVERSION 2\r\nREADER\r\nSTARTTLS\r\n.\r\n"},
		{"STARTTLS\r\n", "382 Begin TLS negotiation now\r\n"},
	},
	"sieve": {
		{"", "\"IMPLEMENTATION\" {7}\r\nDovecot\r\n\"SIEVE\" \"fileinto\"\r\n\"STARTTLS\"\r\nOK \"ready\"\r\n"},
		{"STARTTLS\r\n", "OK \"Begin TLS negotiation now.\"\r\n"},
	},
	"irc": {
		{"CAP LS 302\r\n", ":irc.test NOTICE * :*** Looking up\r\n:irc.test CAP * LS * :multi-prefix sasl=PLAIN\r\n@t=1 :irc.test CAP * LS :away-notify tls\r\n"},
		{"STARTTLS\r\n", ":irc.test 670 * :STARTTLS successful\r\n"},
	},
	"ldap": {
		{"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + startTLS, "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"},
	},
	"xmpp": {
		{"<?xml version='1.0'?><stream:stream to='host.test'", "<?xml version='1.0'?><stream:stream xmlns:stream='" + nsStream + "' id='1' version='1.0' xmlns='jabber:client'>" +
			"<stream:features><starttls xmlns='" + nsTLS + "'><required/></starttls><c xmlns='x'/></stream:features>"},
		{"<starttls xmlns='" + nsTLS + "'/>", "<proceed xmlns='" + nsTLS + "'/>"},
	},
	"xmpp-server": {
		{"<?xml version='1.0'?><stream:stream to='host.test' version='1.0' xmlns='jabber:server'", "<stream:stream xmlns:stream='" + nsStream + "' xmlns='jabber:server'>\n" +
			"<stream:features>\n<mechanisms xmlns='m'/><starttls xmlns='" + nsTLS + "'/></stream:features>"},
		{"<starttls ", "<proceed xmlns='" + nsTLS + "'></proceed>"},
	},
	"postgres": {{"\x00\x00\x00\x08\x04\xd2\x16\x2f", "S"}},
	"mysql":    {{"", mysqlGreeting(mysqlSSL | mysqlProtocol41)}},
	"rdp":      {{"\x03\x00\x00\x13\x0e\xe0", "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x1f\x08\x00\x01\x00\x00\x00"}},
	"mssql":    {{"\x12\x01\x00\x1a", preloginAnswer(tdsEncryptOn)}},
	"vnc": {
		{"", "RFB 003.008\n"},
		{"RFB 003.008\n", "\x02\x02\x13"},
		{"\x13", "\x00\x02"},
		{"\x00\x02", "\x00\x03\x00\x00\x01\x02\x00\x00\x01\x05\x00\x00\x01\x04"},
		{"\x00\x00\x01\x05", "\x01"},
	},
}

func mysqlGreeting(flags uint16) string {
	body := "\x0a10.11.6-MariaDB\x00\x01\x00\x00\x00saltsalt\x00" + string([]byte{byte(flags), byte(flags >> 8)}) + "\x2d\x02\x00\xff\x81" + strings.Repeat("\x00", 30)
	return string([]byte{byte(len(body)), 0, 0, 0}) + body
}

func preloginAnswer(encryption byte) string {
	body := "\x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff\x10\x00\x10\x35\x00\x00" + string(encryption)
	return "\x04\x01\x00\x1a\x00\x00\x01\x00" + body
}

// schemes are those with a preamble, in no order.
func schemes(yield func(string) bool) {
	for scheme := range good {
		if !yield(scheme) {
			return
		}
	}
}

// TestSchemesHaveAnswers: no scheme with a preamble is left out of these tests.
func TestSchemesHaveAnswers(t *testing.T) {
	for _, s := range target.Schemes() {
		if (good[s.Name] != nil) != Spoken(s.Name) || !s.Implicit && s.Name != "quic" && !Spoken(s.Name) {
			t.Errorf("%s: spoken %v, %d turns of a good server", s.Name, Spoken(s.Name), len(good[s.Name]))
		}
	}
}

func TestStartReady(t *testing.T) {
	for scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			p := newPeer(good[scheme]...)
			got, err := Start(p, scheme, "host.test")
			if err != nil || got.Outcome != evidence.PreambleReady || got.PipelinedPlaintext {
				t.Errorf("Start = %+v, %v; want ready", got, err)
			}
			if len(p.turns) > 0 || p.wrong != "" || len(p.ready) > 0 {
				t.Errorf("turns not taken: %q; heard %q out of turn; not read: %q", p.turns, p.wrong, p.ready)
			}
			if got.Said == "" || strings.ContainsFunc(got.Said, unicode.IsControl) {
				t.Errorf("Said = %q, want what the server said, escaped", got.Said)
			}
		})
	}
}

// What comes in one packet with the go-ahead was sent by whoever can write into
// the clear-text connection (CVE-2011-0411, CVE-2021-23222).
func TestStartPipelinedPlaintext(t *testing.T) {
	for scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			turns := append([]turn(nil), good[scheme]...)
			turns[len(turns)-1].says += "250 injected\r\n"
			got, err := Start(newPeer(turns...), scheme, "host.test")
			if err != nil || !got.PipelinedPlaintext {
				t.Errorf("Start = %+v, %v; want PipelinedPlaintext", got, err)
			}
			if strings.Contains(got.Said, "injected") {
				t.Errorf("Said = %q, which takes over what was injected", got.Said)
			}
		})
	}
}

// Each server falls silent, or hangs up, after every byte of what it has to say.
func TestStartCutAnywhere(t *testing.T) {
	ends := map[error]evidence.PreambleOutcome{
		os.ErrDeadlineExceeded: evidence.PreambleTooSlow,
		io.EOF:                 evidence.PreambleClosed,
	}
	for scheme := range schemes {
		for end, want := range ends {
			all := 0
			for _, turn := range good[scheme] {
				all += len(turn.says)
			}
			for n := range all {
				p := newPeer(good[scheme]...)
				p.end = end
				got, err := Start(&cut{p, n}, scheme, "host.test")
				if err == nil || got.Outcome != want {
					t.Errorf("%s after %d of %d bytes: %s, %v; want %s", scheme, n, all, got.Outcome, err, want)
				}
			}
		}
	}
}

// A cut ends a peer after so many bytes.
type cut struct {
	*peer
	left int
}

func (c *cut) Read(b []byte) (int, error) {
	if c.left == 0 {
		return 0, c.end
	}
	n, err := c.peer.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

// with is the good answers of a scheme with the turn i saying something else;
// what would follow is not said.
func with(scheme string, i int, says string) []turn {
	turns := append([]turn(nil), good[scheme][:i+1]...)
	turns[i].says = says
	return turns
}

func TestStartOutcomes(t *testing.T) {
	const (
		missing   = evidence.PreambleMissing
		refused   = evidence.PreambleRefused
		malformed = evidence.PreambleMalformed
		tooLong   = evidence.PreambleTooLong
	)
	tests := []struct {
		scheme, name string
		turns        []turn
		want         evidence.PreambleOutcome
		text         string
	}{
		{"smtp", "stripped", with("smtp", 1, "250-mail.test\r\n250 XXXXXXXA\r\n"), missing, "250 mail.test / XXXXXXXA"},
		{"smtp", "named within a word", with("smtp", 1, "250-mail.test\r\n250 NOSTARTTLS\r\n"), missing, "does not offer"},
		{"smtp", "EHLO filtered", with("smtp", 1, "502 unimplemented\r\n"), missing, "does not know EHLO"},
		{"smtp", "turned away", with("smtp", 0, "554 no service\r\n"), refused, "554 no service"},
		{"smtp", "busy", with("smtp", 1, "421 too busy\r\n"), refused, "421 too busy"},
		{"smtp", "refused", with("smtp", 2, "454 TLS not available\r\n"), refused, "refused STARTTLS"},
		{"smtp", "odd answer", with("smtp", 2, "250 fine\r\n"), malformed, "250 fine"},
		{"smtp", "another protocol", with("smtp", 0, "* OK IMAP\r\n"), malformed, "no reply code"},
		{"smtp", "NNTP", with("smtp", 0, "200 news\r\n"), malformed, "another protocol"},
		{"smtp", "short line", with("smtp", 0, "2\r\n"), malformed, "no reply code"},
		{"smtp", "escapes", with("smtp", 0, "554 \x1b[2J\xff\r\n"), refused, `\x1b[2J\xff`},
		{"lmtp", "stripped", with("lmtp", 1, "250 mail.test\r\n"), missing, "does not offer"},
		{"imap", "stripped", with("imap", 1, "* CAPABILITY IMAP4rev1\r\na1 OK\r\n"), missing, "* CAPABILITY IMAP4rev1"},
		{"imap", "offered only in the greeting", with("imap", 1, "* OK STARTTLS\r\na1 OK\r\n"), missing, "does not offer"},
		{"imap", "preauth", with("imap", 0, "* PREAUTH hello\r\n"), missing, "rules out STARTTLS"},
		{"imap", "turned away", with("imap", 0, "* BYE full\r\n"), refused, "BYE full"},
		{"imap", "refused", with("imap", 2, "a2 NO not now\r\n"), refused, "a2 NO not now"},
		{"imap", "bye", with("imap", 2, "* BYE\r\n"), refused, "BYE"},
		{"imap", "wrong tag", with("imap", 2, "a3 OK\r\n"), malformed, "a3 OK"},
		{"imap", "another protocol", with("imap", 0, "+OK\r\n"), malformed, "no greeting of IMAP"},
		{"pop3", "stripped", with("pop3", 1, "+OK\r\nUIDL\r\n.\r\n"), missing, "UIDL"},
		{"pop3", "no capabilities", with("pop3", 1, "-ERR what?\r\n"), missing, "-ERR what?"},
		{"pop3", "turned away", with("pop3", 0, "-ERR\r\n"), refused, "turned us away"},
		{"pop3", "refused", with("pop3", 2, "-ERR no\r\n"), refused, "refused STLS"},
		{"pop3", "another protocol", with("pop3", 0, "220 ftp\r\n"), malformed, "not POP3"},
		{"ftp", "never there", with("ftp", 1, "530 Please login with USER and PASS.\r\n"), missing, "does not know AUTH TLS"},
		{"ftp", "refused", with("ftp", 1, "431 no certificate\r\n"), refused, "431 no certificate"},
		{"ftp", "turned away", with("ftp", 0, "421 full\r\n"), refused, "421 full"},
		{"ftp", "another protocol", with("ftp", 0, "SSH-2.0-x\r\n"), malformed, "no reply code"},
		{"nntp", "stripped", with("nntp", 1, "101 list\r\nVERSION 2\r\n.\r\n"), missing, "VERSION 2"},
		{"nntp", "no capabilities", with("nntp", 1, "500 what?\r\n"), missing, "500 what?"},
		{"nntp", "turned away", with("nntp", 0, "400 closed\r\n"), refused, "400 closed"},
		{"nntp", "refused", with("nntp", 2, "580 cannot\r\n"), refused, "580 cannot"},
		{"nntp", "another protocol", with("nntp", 0, "220 ftp\r\n"), malformed, "another protocol"},
		{"sieve", "stripped", with("sieve", 0, "\"SIEVE\" \"x\"\r\nOK\r\n"), missing, "does not offer"},
		{"sieve", "offered in a literal", with("sieve", 0, "\"X\" {14+}\r\n\r\n\"STARTTLS\"\r\n\r\nOK\r\n"), missing, "does not offer"},
		{"sieve", "turned away", with("sieve", 0, "BYE \"x\"\r\n"), refused, "BYE"},
		{"sieve", "refused", with("sieve", 1, "NO \"x\"\r\n"), refused, "NO"},
		{"sieve", "another protocol", with("sieve", 0, "220 x\r\n"), malformed, "not ManageSieve"},
		{"sieve", "literal without end", with("sieve", 0, "\"X\" {2147483647}\r\n"), tooLong, "announced"},
		{"irc", "stripped", with("irc", 0, ":s CAP * LS :sasl\r\n"), missing, "no capability"},
		{"irc", "no capabilities", with("irc", 0, ":s 421 * CAP :Unknown command\r\n"), missing, "Unknown command"},
		{"irc", "turned away", with("irc", 0, "ERROR :banned\r\n"), refused, "banned"},
		{"irc", "refused", with("irc", 1, ":s 691 * :no\r\n"), refused, "691"},
		{"irc", "odd answer", with("irc", 0, ":s CAP * ACK :x\r\n"), malformed, "CAP LS"},
		{"irc", "another protocol", with("irc", 0, "220 x\r\n"), evidence.PreambleTooSlow, ""}, // a numeric that nobody waits for
		{"ldap", "unknown operation", with("ldap", 0, "\x30\x10\x02\x01\x01\x78\x0b\x0a\x01\x02\x04\x00\x04\x04what"), missing, "what"},
		{"ldap", "refused in a long form", with("ldap", 0, "\x30\x84\x00\x00\x00\x10\x02\x01\x01\x78\x84\x00\x00\x00\x07\x0a\x01\x34\x04\x00\x04\x00"), refused, "result 52"},
		{"ldap", "turned away", with("ldap", 0, "\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x34\x04\x00\x04\x00"), refused, "turned us away"},
		{"ldap", "another message", with("ldap", 0, "\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\x00\x04\x00\x04\x00"), malformed, "message 2"},
		{"ldap", "another operation", with("ldap", 0, "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"), malformed, "another kind"},
		{"ldap", "inner length too long", with("ldap", 0, "\x30\x0c\x02\x01\x01\x78\x08\x0a\x01\x00\x04\x00\x04\x00"), malformed, "cut short"},
		{"ldap", "indefinite", with("ldap", 0, "\x30\x80\x02\x01\x01"), malformed, "indefinite"},
		{"ldap", "another protocol", with("ldap", 0, "HTTP/1.1 400\r\n"), malformed, "0x48"},
		{"ldap", "announces 4 GiB", with("ldap", 0, "\x30\x84\xff\xff\xff\xff"), tooLong, "announced"},
		{"xmpp", "stripped", with("xmpp", 0, "<s:stream xmlns:s='"+nsStream+"'><s:features><m xmlns='x'><starttls xmlns='"+nsTLS+"'/></m></s:features>"), missing, "does not offer"},
		{"xmpp", "another namespace", with("xmpp", 0, "<s:stream xmlns:s='"+nsStream+"'><s:features><starttls xmlns='x'/></s:features>"), missing, "does not offer"},
		{"xmpp", "stream error", with("xmpp", 0, "<s:stream xmlns:s='"+nsStream+"'><s:error><host-unknown/></s:error>"), refused, "host-unknown"},
		{"xmpp", "stream end", with("xmpp", 0, "<s:stream xmlns:s='"+nsStream+"'></s:stream>"), refused, "ended"},
		{"xmpp", "refused", with("xmpp", 1, "<failure xmlns='"+nsTLS+"'/>"), refused, "refused STARTTLS"},
		{"xmpp", "no stream", with("xmpp", 0, "<html>"), malformed, "html"},
		{"xmpp", "another protocol", with("xmpp", 0, "SSH-2.0-x\r\n<a b c>"), malformed, "XML"},
		{"xmpp", "doctype", with("xmpp", 0, "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;"), malformed, "directive"},
		{"xmpp", "another encoding", with("xmpp", 0, "<?xml version='1.0' encoding='utf-7'?><a>"), malformed, "XML"},
		{"xmpp", "deep", with("xmpp", 0, "<s:stream xmlns:s='"+nsStream+"'><s:features>"+strings.Repeat("<a>", 40)), malformed, "deep"},
		{"postgres", "stripped", with("postgres", 0, "N"), missing, "with N"},
		{"postgres", "error", with("postgres", 0, "E\x00\x00\x00\x04"), refused, "error"},
		{"postgres", "another protocol", with("postgres", 0, "H"), malformed, "0x48"},
		{"mysql", "stripped", with("mysql", 0, mysqlGreeting(mysqlProtocol41)), missing, "10.11.6-MariaDB"},
		{"mysql", "turned away", with("mysql", 0, "\x0a\x00\x00\x00\xff\x6a\x04blocked"), refused, "blocked"},
		{"mysql", "old", with("mysql", 0, "\x02\x00\x00\x00\x09x"), malformed, "version 9"},
		{"mysql", "cut short", with("mysql", 0, "\x04\x00\x00\x00\x0aab\x00"), malformed, "cut short"},
		{"mysql", "empty", with("mysql", 0, "\x00\x00\x00\x00"), malformed, "no greeting"},
		{"mysql", "another protocol", with("mysql", 0, "220 x\r\n"), malformed, "no greeting"},
		{"mysql", "announces 16 MiB", with("mysql", 0, "\xff\xff\xff\x00\x0a"), tooLong, "announced"},
		{"rdp", "no negotiation", with("rdp", 0, "\x03\x00\x00\x0b\x06\xd0\x00\x00\x12\x34\x00"), missing, "only knows"},
		{"rdp", "stripped", with("rdp", 0, "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x00\x08\x00\x00\x00\x00\x00"), missing, "own encryption"},
		{"rdp", "not allowed", with("rdp", 0, "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x03\x00\x08\x00\x02\x00\x00\x00"), missing, "failure 2"},
		{"rdp", "no certificate", with("rdp", 0, "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x03\x00\x08\x00\x03\x00\x00\x00"), missing, "failure 3"},
		{"rdp", "refused", with("rdp", 0, "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x03\x00\x08\x00\x06\x00\x00\x00"), refused, "failure 6"},
		{"rdp", "not offered", with("rdp", 0, "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x00\x08\x00\x08\x00\x00\x00"), malformed, "protocol 8"},
		{"rdp", "cut short", with("rdp", 0, "\x03\x00\x00\x0d\x08\xd0\x00\x00\x12\x34\x00\x02\x00"), malformed, "cut short"},
		{"rdp", "disconnect", with("rdp", 0, "\x03\x00\x00\x0b\x06\x80\x00\x00\x12\x34\x00"), malformed, "0x80"},
		{"rdp", "another protocol", with("rdp", 0, "220 x\r\n"), malformed, "not RDP"},
		{"mssql", "stripped", with("mssql", 0, preloginAnswer(tdsNotSupport)), missing, "does not support"},
		{"mssql", "off", with("mssql", 0, preloginAnswer(0)), refused, "option 0"},
		{"mssql", "no option", with("mssql", 0, "\x04\x01\x00\x09\x00\x00\x01\x00\xff"), malformed, "encryption"},
		{"mssql", "option beyond the end", with("mssql", 0, "\x04\x01\x00\x0e\x00\x00\x01\x00\x01\xff\xff\xff\xff\xff"), malformed, "encryption"},
		{"mssql", "another protocol", with("mssql", 0, "HTTP/1.1 400\r\n"), malformed, "no answer to PRELOGIN"},
		{"vnc", "stripped", with("vnc", 1, "\x02\x01\x02"), missing, "[1 2]"},
		{"vnc", "anonymous only", with("vnc", 3, "\x00\x01\x00\x00\x01\x02"), missing, "certificate"},
		{"vnc", "old", with("vnc", 0, "RFB 003.003\n"), missing, "no choice"},
		{"vnc", "turned away", with("vnc", 1, "\x00\x00\x00\x00\x04busy"), refused, "busy"},
		{"vnc", "endless reason", with("vnc", 1, "\x00\xff\xff\xff\xffbusy"), tooLong, "announced"},
		{"vnc", "old VeNCrypt", with("vnc", 2, "\x00\x01"), missing, "0.1"},
		{"vnc", "version refused", with("vnc", 3, "\xff"), refused, "0.2"},
		{"vnc", "subtype refused", with("vnc", 4, "\x00"), refused, "261"},
		{"vnc", "another protocol", with("vnc", 0, "SSH-2.0-OpenSSH\r\n"), malformed, "not RFB"},
	}
	seen := map[string]bool{}
	for _, tt := range tests {
		t.Run(tt.scheme+"/"+tt.name, func(t *testing.T) {
			got, err := Start(newPeer(tt.turns...), tt.scheme, "host.test")
			var answer *Error
			if got.Outcome != tt.want || err == nil || errors.As(err, &answer) == (tt.want == evidence.PreambleTooSlow) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("Start = %s, %v; want %s and %q", got.Outcome, err, tt.want, tt.text)
			}
			seen[tt.scheme+string(tt.want)] = true
		})
	}
	for scheme := range schemes {
		if scheme == "xmpp-server" || scheme == "submission" || scheme == "lmtp" && seen[scheme+string(missing)] {
			continue // xmpp and smtp but for one word at most
		}
		if !seen[scheme+string(missing)] || !seen[scheme+string(malformed)] && !seen[scheme+string(evidence.PreambleTooSlow)] {
			t.Errorf("%s has no test of a stripped and of a wrong greeting", scheme)
		}
	}
}

// Servers that never come to an end are cut off within the limits.
func TestStartOversize(t *testing.T) {
	floods := map[string][]turn{
		"smtp":        {{"", "220-" + strings.Repeat("x", 2*maxTotal)}},
		"submission":  {{"", strings.Repeat("220-x\r\n", maxLines+1)}},
		"lmtp":        {{"", strings.Repeat("220-x\r\n", maxLines+1)}},
		"imap":        {good["imap"][0], {"a1 ", strings.Repeat("* CAPABILITY\r\n", maxTotal)}},
		"pop3":        {good["pop3"][0], {"CAPA", "+OK\r\n" + strings.Repeat("X\r\n", maxTotal)}},
		"ftp":         {{"", "220-x\r\n" + strings.Repeat("\n", maxTotal)}},
		"nntp":        {{"", "200 " + strings.Repeat("y", maxLine)}},
		"sieve":       {{"", strings.Repeat("\"X\" {8000}\r\n"+strings.Repeat("z", 8000), 20)}},
		"irc":         {{"CAP", strings.Repeat("PING :x\r\n", maxTotal)}},
		"ldap":        {{"\x30", "\x30\x83\xff\xff\xff" + strings.Repeat("x", 2*maxTotal)}},
		"xmpp":        {{"<?xml", "<a b='" + strings.Repeat("x", 2*maxTotal)}},
		"xmpp-server": {{"<?xml", strings.Repeat(" ", 2*maxTotal)}},
		"mysql":       {{"", "\xff\xff\x01\x00" + strings.Repeat("x", 2*maxTotal)}},
		"vnc":         {{"", "RFB 003.008\n"}, {"RFB", "\x00\x00\xff\xff\xff" + strings.Repeat("x", 2*maxTotal)}},
	}
	// Of the others no answer is longer than its two bytes of length can say,
	// or than one byte.
	bounded := map[string]bool{"postgres": true, "rdp": true, "mssql": true}
	for scheme := range schemes {
		turns, ok := floods[scheme]
		if !ok {
			if !bounded[scheme] {
				t.Errorf("%s has no test of a flood", scheme)
			}
			continue
		}
		for _, chunk := range []int{0, 1} {
			p := newPeer(turns...)
			p.chunk = chunk
			got, err := Start(p, scheme, "host.test")
			if got.Outcome != evidence.PreambleTooLong || err == nil || p.read > maxTotal || len(got.Said) > 4*maxSaid {
				t.Errorf("%s: %s after %d bytes, %d kept, %v; want too-long", scheme, got.Outcome, p.read, len(got.Said), err)
			}
		}
	}
}

func TestStartUnknownScheme(t *testing.T) {
	p := newPeer()
	got, err := Start(p, "https", "host.test")
	if err == nil || got.Outcome == evidence.PreambleReady || p.heard.Len() > 0 || Spoken("https") {
		t.Errorf("Start(https) = %+v, %v; heard %q; Spoken = %v", got, err, p.heard.String(), Spoken("https"))
	}
}

// The name of the host cannot break out of the stream header.
func TestStartEscapesHost(t *testing.T) {
	p := newPeer()
	_, _ = Start(p, "xmpp", "a'/><b c='")
	if strings.Contains(p.heard.String(), "<b") {
		t.Errorf("sent %q", p.heard.String())
	}
}

var errWrite = errors.New("made by the test")

type deaf struct{ *peer }

func (deaf) Write([]byte) (int, error) { return 0, errWrite }

func TestStartCannotWrite(t *testing.T) {
	for scheme := range schemes {
		got, err := Start(deaf{newPeer(good[scheme]...)}, scheme, "host.test")
		if !errors.Is(err, errWrite) || got.Outcome != evidence.PreambleClosed {
			t.Errorf("%s: %s, %v; want closed and the error of Write", scheme, got.Outcome, err)
		}
	}
}

// fuzz checks, for whatever a server says: nothing beyond the limits is read,
// written or kept, and it makes no difference how the bytes are cut into packets.
func fuzz(f *testing.F, scheme string) {
	for i := range good[scheme] {
		var all string
		for _, turn := range good[scheme][:i+1] {
			all += turn.says
		}
		f.Add([]byte(all))
		f.Add([]byte(all + "rest"))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var first evidence.Preamble
		var text string
		for i, chunk := range []int{0, 1, 7} {
			p := &peer{ready: in, chunk: chunk, end: io.EOF}
			got, err := Start(p, scheme, "host.test")
			if p.read > maxTotal || p.heard.Len() > 1024 || len(got.Said) > 4*maxSaid {
				t.Fatalf("read %d, wrote %d, kept %d bytes", p.read, p.heard.Len(), len(got.Said))
			}
			if !utf8.ValidString(got.Said) || strings.ContainsFunc(got.Said, unicode.IsControl) {
				t.Fatalf("Said = %q is not escaped", got.Said)
			}
			if (err == nil) != (got.Outcome == evidence.PreambleReady) {
				t.Fatalf("outcome %s with error %v", got.Outcome, err)
			}
			var said string
			if err != nil {
				if said = err.Error(); !utf8.ValidString(said) || strings.ContainsFunc(said, unicode.IsControl) {
					t.Fatalf("error %q is not escaped", said)
				}
			}
			got.PipelinedPlaintext = false // what comes later is not known to be there
			if i == 0 {
				first, text = got, said
			} else if got != first || said != text {
				t.Fatalf("in packets of %d bytes: %+v, %s; at once: %+v, %s", chunk, got, said, first, text)
			}
		}
	})
}

func FuzzSMTP(f *testing.F)       { fuzz(f, "smtp") }
func FuzzSubmission(f *testing.F) { fuzz(f, "submission") }
func FuzzLMTP(f *testing.F)       { fuzz(f, "lmtp") }
func FuzzIMAP(f *testing.F)       { fuzz(f, "imap") }
func FuzzPOP3(f *testing.F)       { fuzz(f, "pop3") }
func FuzzFTP(f *testing.F)        { fuzz(f, "ftp") }
func FuzzNNTP(f *testing.F)       { fuzz(f, "nntp") }
func FuzzSieve(f *testing.F)      { fuzz(f, "sieve") }
func FuzzIRC(f *testing.F)        { fuzz(f, "irc") }
func FuzzLDAP(f *testing.F)       { fuzz(f, "ldap") }
func FuzzXMPP(f *testing.F)       { fuzz(f, "xmpp") }
func FuzzXMPPServer(f *testing.F) { fuzz(f, "xmpp-server") }
func FuzzPostgres(f *testing.F)   { fuzz(f, "postgres") }
func FuzzMySQL(f *testing.F)      { fuzz(f, "mysql") }
func FuzzRDP(f *testing.F)        { fuzz(f, "rdp") }
func FuzzMSSQL(f *testing.F)      { fuzz(f, "mssql") }
func FuzzVNC(f *testing.F)        { fuzz(f, "vnc") }
