package ntske

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/evidence"
)

// A peer answers with bytes from memory.
type peer struct {
	io.Reader
	heard bytes.Buffer
	err   error
}

func (p *peer) Write(b []byte) (int, error) {
	p.heard.Write(b)
	return len(b), p.err
}

func record(kind uint16, body string) string {
	header := binary.BigEndian.AppendUint16(nil, kind)
	return string(binary.BigEndian.AppendUint16(header, uint16(len(body)))) + body
}

var (
	protocol = record(critical|nextProtocol, "\x00\x00")
	siv      = record(aead, "\x00\x0f")
	cookie   = record(newCookie, strings.Repeat("c", 100))
	end      = record(critical|endOfMessage, "")
)

func TestExchange(t *testing.T) {
	tests := []struct {
		name, in string
		want     evidence.NTS
		err      string // "" for none
	}{
		{"a time server", protocol + siv + strings.Repeat(cookie, 8) + end, evidence.NTS{Cookies: 8, AEAD: 15}, ""},
		{"another host and port", protocol + siv + record(serverName, "ntp.test") + record(critical|portNumber, "\x10\x00") + cookie + end,
			evidence.NTS{Cookies: 1, AEAD: 15, Server: "ntp.test", Port: 4096}, ""},
		{"unknown records", record(0x4000, "x") + protocol + siv + cookie + end, evidence.NTS{Cookies: 1, AEAD: 15}, ""},
		{"bytes after the end", protocol + siv + cookie + end + "rest", evidence.NTS{Cookies: 1, AEAD: 15}, ""},
		{"a hostile name", protocol + siv + record(serverName, "\x1b[2J\xff") + cookie + end, evidence.NTS{Cookies: 1, AEAD: 15, Server: `\x1b[2J\xff`}, ""},
		{"no cookies", protocol + siv + end, evidence.NTS{AEAD: 15}, "no cookies"},
		{"no protocol", siv + cookie + end, evidence.NTS{Cookies: 1, AEAD: 15}, "agree to NTPv4"},
		{"empty protocol", record(critical|nextProtocol, "") + end, evidence.NTS{}, "does not serve NTPv4"},
		{"another protocol", record(critical|nextProtocol, "\x80\x01") + siv + cookie + end, evidence.NTS{Cookies: 1, AEAD: 15}, "agree to NTPv4"},
		{"empty AEAD", protocol + record(aead, "") + end, evidence.NTS{}, "AEAD_AES_SIV_CMAC_256"},
		{"AEAD not offered", protocol + record(aead, "\x00\x1e") + cookie + end, evidence.NTS{Cookies: 1, AEAD: 30}, "AEAD 30"},
		{"two numbers", protocol + record(aead, "\x00\x0f\x00\x10") + end, evidence.NTS{}, "4 bytes"},
		{"error", record(critical|errorRecord, "\x00\x01") + end, evidence.NTS{}, "error 1"},
		{"malformed error", record(critical|errorRecord, "\x00") + end, evidence.NTS{}, "1 bytes"},
		{"protocol twice", protocol + protocol + end, evidence.NTS{}, "second record of type 1"},
		{"critical and unknown", protocol + record(0xc000, "") + end, evidence.NTS{}, "critical record of type 16384"},
		{"long name", protocol + record(serverName, strings.Repeat("a", 256)) + end, evidence.NTS{}, "256 bytes"},
		{"HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", evidence.NTS{}, "unexpected EOF"},
		{"silence", "", evidence.NTS{}, "EOF"},
		{"cut", protocol + siv + cookie[:50], evidence.NTS{AEAD: 15}, "record of type 5: unexpected EOF"},
		{"no end", protocol + siv + cookie, evidence.NTS{Cookies: 1, AEAD: 15}, "EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &peer{Reader: strings.NewReader(tt.in)}
			got, err := Exchange(p)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Exchange differs (-want +got):\n%s", diff)
			}
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("Exchange: %v; want %q", err, tt.err)
			}
			if want := "\x80\x01\x00\x02\x00\x00\x80\x04\x00\x02\x00\x0f\x80\x00\x00\x00"; p.heard.String() != want {
				t.Errorf("sent %x, want %x", p.heard.String(), want)
			}
		})
	}
}

// An endless reader repeats what it has.
type endless struct {
	text string
	read int
}

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = e.text[e.read%len(e.text)]
		e.read++
	}
	return len(b), nil
}

func TestExchangeFlood(t *testing.T) {
	for text, want := range map[string]string{
		record(newCookie, strings.Repeat("c", 10_000)): "over 65536 bytes",
		record(newCookie, strings.Repeat("c", 65_535)): "over 65536 bytes",
		record(newCookie, ""):                          "over 256 records",
	} {
		e := &endless{text: text}
		_, err := Exchange(&peer{Reader: e})
		if err == nil || !strings.Contains(err.Error(), want) || e.read > maxAnswer+4 {
			t.Errorf("Exchange: %v after %d bytes; want %q", err, e.read, want)
		}
	}
}

func TestExchangeCannotWrite(t *testing.T) {
	errWrite := errors.New("made by the test")
	if _, err := Exchange(&peer{err: errWrite}); !errors.Is(err, errWrite) {
		t.Errorf("Exchange: %v, want %v", err, errWrite)
	}
}

// Whatever is answered: within the limits, escaped, and only an answer with
// cookies is a time server's.
func FuzzExchange(f *testing.F) {
	f.Add([]byte(protocol + siv + cookie + record(serverName, "a\n") + end))
	f.Add([]byte(record(critical|errorRecord, "\x00\x01")))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		got, err := Exchange(&peer{Reader: r})
		if read := len(in) - r.Len(); read > maxAnswer+4 {
			t.Fatalf("%d bytes were read", read)
		}
		if got.Cookies > maxRecords || len(got.Server) > 4*maxServer || !utf8.ValidString(got.Server) || strings.ContainsFunc(got.Server, unicode.IsControl) {
			t.Fatalf("Exchange = %+v is not bounded or not escaped", got)
		}
		if err == nil && (got.Cookies == 0 || got.AEAD != aesSIV || !bytes.Contains(in, []byte(protocol)) && !bytes.Contains(in, []byte(protocol[1:]))) {
			t.Fatalf("Exchange(%x) = %+v without an error", in, got)
		}
	})
}
