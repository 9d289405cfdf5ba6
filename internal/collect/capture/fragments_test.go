package capture

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/certassay/certassay/internal/lab"
)

const ethernet = 14

// inPieces cuts the packet in an Ethernet frame into fragments of size bytes, which
// is a multiple of eight.
func inPieces(tb testing.TB, frame []byte, id uint32, size int) (out [][]byte) {
	tb.Helper()
	head := ethernet + 20
	v6 := frame[12] == 0x86
	if v6 {
		head = ethernet + 40
	}
	data := frame[head:]
	if v4 := binary.BigEndian.Uint16(frame[ethernet+2:]); !v6 {
		data = data[:int(v4)-20]
	}
	for offset := 0; offset < len(data); offset += size {
		part := data[offset:min(offset+size, len(data))]
		more := offset+size < len(data)
		f := bytes.Clone(frame[:head])
		if v6 {
			binary.BigEndian.PutUint16(f[ethernet+4:], uint16(8+len(part)))
			extension := []byte{f[ethernet+6], 0, byte(offset >> 8), byte(offset) | bit(more), 0, 0, 0, 0}
			binary.BigEndian.PutUint32(extension[4:], id)
			f[ethernet+6] = 44
			f = append(f, extension...)
		} else {
			binary.BigEndian.PutUint16(f[ethernet+2:], uint16(20+len(part)))
			binary.BigEndian.PutUint16(f[ethernet+4:], uint16(id))
			binary.BigEndian.PutUint16(f[ethernet+6:], uint16(bit(more))<<13|uint16(offset/8))
			f[ethernet+10], f[ethernet+11] = 0, 0
			var sum uint32
			for i := 0; i < 20; i += 2 {
				sum += uint32(binary.BigEndian.Uint16(f[ethernet+i:]))
			}
			sum = sum&0xffff + sum>>16
			binary.BigEndian.PutUint16(f[ethernet+10:], ^uint16(sum+sum>>16))
		}
		out = append(out, append(f, part...))
	}
	return out
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// fragmentedAll cuts every packet of a capture, and changes the pieces of each.
func fragmentedAll(tb testing.TB, frames [][]byte, size int, change func([][]byte) [][]byte) (out [][]byte) {
	tb.Helper()
	for i, frame := range frames {
		pieces := inPieces(tb, frame, uint32(i+1), size)
		if change != nil {
			pieces = change(pieces)
		}
		out = append(out, pieces...)
	}
	return out
}

func TestFragments(t *testing.T) {
	l := lab.New(lab.Config{})
	turns := handshake(t, setting{chain: l.Chain(), version: tls.VersionTLS12, name: "time.lab.example"})
	four := scene{turns: turns}.packets(t)
	six := scene{client: netip.MustParseAddrPort("[2001:db8::1]:999"), server: netip.MustParseAddrPort("[2001:db8::2]:8443"), turns: turns}.packets(t)
	n := len(l.Chain())
	seen := map[string]string{
		"IPv4": fmt.Sprintf(`c.pcap#1 198.51.100.1:443 endpoint "time.lab.example" %d 0303 possession=true`, n),
		"IPv6": fmt.Sprintf(`c.pcap#1 [2001:db8::2]:8443 endpoint "time.lab.example" %d 0303 possession=true`, n),
	}
	reversed := func(p [][]byte) [][]byte { slices.Reverse(p); return p }
	twice := func(p [][]byte) [][]byte { return append(p, p...) }
	// The second fragment again, one byte of it changed, before all is there.
	lied := func(p [][]byte) [][]byte {
		if len(p) < 3 {
			return p
		}
		lie := bytes.Clone(p[1])
		lie[len(lie)-1] ^= 1
		return slices.Insert(p, 2, lie)
	}
	for version, frames := range map[string][][]byte{"IPv4": four, "IPv6": six} {
		for _, tt := range []struct {
			name   string
			frames [][]byte
		}{
			{"in order", fragmentedAll(t, frames, 128, nil)},
			{"tiny", fragmentedAll(t, frames, 8, nil)},
			{"reversed", fragmentedAll(t, frames, 64, reversed)},
			{"each twice", fragmentedAll(t, frames, 64, twice)},
			{"whole packets in one fragment", fragmentedAll(t, frames, 8192, nil)},
			{"some fragmented", slices.Concat(fragmentedAll(t, frames[:4], 64, nil), frames[4:])},
		} {
			got := read(t, pcap(t, tt.frames, 0))
			if diff := cmp.Diff([]string{seen[version]}, lines(got)); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", version, tt.name, diff)
				continue
			}
			for i, der := range got[0].Certificates {
				if !bytes.Equal(der, l.Chain()[i]) {
					t.Errorf("%s, %s: certificate %d is not the one that was sent", version, tt.name, i)
				}
			}
		}
		for _, tt := range []struct {
			name, want string
			frames     [][]byte
			snap       int
		}{
			{"contradicting", "overlap or contradict", fragmentedAll(t, frames, 64, lied), 0},
			{"one lost", "not captured whole", fragmentedAll(t, frames, 64, func(p [][]byte) [][]byte { return p[:max(1, len(p)-1)] }), 0},
			{"cut short", "not captured whole", fragmentedAll(t, frames, 512, nil), 200},
		} {
			text := strings.Join(lines(read(t, pcap(t, tt.frames, tt.snap))), "\n")
			if !strings.Contains(text, tt.want) || strings.Contains(text, "possession=true") {
				t.Errorf("%s, %s: %s", version, tt.name, text)
			}
		}
	}
}

// DTLS comes in large datagrams, which are fragmented where TCP would not be.
func TestFragmentsOfDTLS(t *testing.T) {
	l := lab.New(lab.Config{})
	turns := handshake(t, setting{chain: l.Chain(), version: tls.VersionTLS12, name: "time.lab.example"})
	var frames [][]byte
	for _, d := range inDTLS(messagesOf(turns, false)[:1], 60000) {
		frames = append(frames, datagram(t, client, server, d))
	}
	for _, d := range inDTLS(messagesOf(turns, true), 60000) {
		frames = append(frames, datagram(t, server, client, d))
	}
	want := fmt.Sprintf(`c.pcap#1 198.51.100.1:443 endpoint "time.lab.example" %d 0303 possession=true`, len(l.Chain()))
	if diff := cmp.Diff([]string{want}, lines(read(t, pcap(t, fragmentedAll(t, frames, 256, nil), 0)))); diff != "" {
		t.Error(diff)
	}
}

// tshark puts the same capture together to the same certificates.
func TestFragmentsAsTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	l := lab.New(lab.Config{})
	turns := handshake(t, setting{chain: l.Chain(), version: tls.VersionTLS12, name: "time.lab.example"})
	file := pcap(t, fragmentedAll(t, scene{turns: turns}.packets(t), 64, nil), 0)
	path := filepath.Join(t.TempDir(), "c.pcap")
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	rows, err := exec.CommandContext(t.Context(), tshark, "-n", "-o", "ip.defragment:TRUE", "-r", path, "-Y", "tls.handshake.certificate", "-T", "fields", "-e", "tls.handshake.certificate").Output()
	if err != nil {
		t.Fatal(err)
	}
	var ours []string
	for _, der := range read(t, file)[0].Certificates {
		ours = append(ours, hex.EncodeToString(der))
	}
	theirs := strings.ReplaceAll(strings.TrimSpace(string(rows)), ":", "")
	if got := strings.Join(ours, ","); got != theirs || len(ours) != len(l.Chain()) {
		t.Errorf("tshark extracts %.100s, we %.100s", theirs, got)
	}
}

var (
	keyed = datagramKey{id: 1, protocol: layers.IPProtocolTCP}
	eight = []byte("12345678")
)

func part(offset int, data string, more bool) piece {
	return piece{offset: offset, data: []byte(data), more: more, next: layers.IPProtocolTCP}
}

// What does not fit together gives nothing, now or later.
func TestFragmentsRefused(t *testing.T) {
	for name, pieces := range map[string][]piece{
		"an overlap with the one before":   {part(0, "1234567812345678", true), part(8, "1234567812345678", true)},
		"an overlap with the one behind":   {part(8, "12345678", true), part(0, "1234567812345678", true)},
		"the same place, another length":   {part(0, "12345678", true), part(0, "1234567812345678", true)},
		"the same place, other bytes":      {part(0, "12345678", true), part(0, "12345679", true)},
		"another end":                      {part(16, "12345678", false), part(24, "12345678", false)},
		"an end within":                    {part(16, "12345678", true), part(8, "12345678", false)},
		"beyond the end":                   {part(8, "12345678", false), part(16, "12345678", true)},
		"the end, once said not to be one": {part(8, "12345678", true), part(8, "12345678", false)},
		"no multiple of eight":             {part(0, "1234567", true)},
		"nothing":                          {part(0, "", true)},
		"longer than a packet":             {part(65528, "12345678", false)},
	} {
		var f fragments
		for _, p := range pieces {
			if _, _, ok := f.add(keyed, p, began); ok {
				t.Errorf("%s: is whole", name)
			}
		}
		if f.refused != 1 || f.bytes != 0 {
			t.Errorf("%s: %d refused, %d bytes kept; want 1, 0", name, f.refused, f.bytes)
		}
		for _, p := range []piece{part(0, "12345678", true), part(8, "1234", false)} {
			if _, _, ok := f.add(keyed, p, began.Add(time.Second)); ok {
				t.Errorf("%s: the rest of a refused packet makes it whole", name)
			}
		}
	}
}

func TestFragmentsTime(t *testing.T) {
	var f fragments
	first, last := part(0, "12345678", true), part(8, "1234", false)
	add := func(after time.Duration, p piece) bool {
		_, _, ok := f.add(keyed, p, began.Add(after))
		return ok
	}
	if add(0, first) || add(fragmentAge+1, last) || f.lost != 1 {
		t.Errorf("%d lost, want the first, which was too old", f.lost)
	}
	if !add(fragmentAge+2, first) {
		t.Error("what comes in time is not put together")
	}
	if add(fragmentAge+3, first) || add(fragmentAge+3, last) || f.lost != 1 {
		t.Error("repeated fragments begin a packet")
	}
	// The identifier comes round again.
	if add(fragmentAge+3+repeatAge, first) || !add(fragmentAge+4+repeatAge, last) {
		t.Error("the next packet with the identifier is not put together")
	}
}

// However many packets are begun, what is kept has bounds.
func TestFragmentsBounds(t *testing.T) {
	var f fragments
	large := piece{offset: 8, data: make([]byte, 1<<15), more: true}
	for i := range 3 * maxDatagrams {
		f.add(datagramKey{id: uint32(i)}, large, began)
		if f.bytes > maxFragmentBytes || f.order.Len() > maxDatagrams || len(f.waiting) != f.order.Len() {
			t.Fatalf("after %d: %d bytes of %d packets", i, f.bytes, f.order.Len())
		}
	}
	if !f.crowded || f.lost == 0 {
		t.Error("nothing is said of what was given up")
	}
	f.finish()
	if f.bytes != 0 || len(f.waiting) != 0 || f.lost != 3*maxDatagrams {
		t.Errorf("%d bytes, %d packets, %d lost at the end", f.bytes, len(f.waiting), f.lost)
	}
	f = fragments{}
	for i := range 2 * maxDatagrams {
		f.add(datagramKey{id: uint32(i)}, piece{offset: 8, data: eight, more: true}, began)
	}
	if f.order.Len() != maxDatagrams {
		t.Errorf("%d packets wait, want %d", f.order.Len(), maxDatagrams)
	}
	f = fragments{}
	for i := range maxPieces + 1 {
		f.add(keyed, piece{offset: 16 * i, data: eight, more: true}, began)
	}
	if f.refused != 1 {
		t.Error("a packet of ever more fragments is kept")
	}
}

// A packet may lie in another one, but not for ever.
func TestFragmentsNested(t *testing.T) {
	frame := scene{turns: []turn{{false, []byte("hello")}}}.packets(t)[2]
	for depth := range 3 * maxNested {
		inner := frame[ethernet:]
		for i := range depth {
			ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: 44, SrcIP: netip.IPv6Unspecified().AsSlice(), DstIP: netip.IPv6Unspecified().AsSlice()}
			buffer := gopacket.NewSerializeBuffer()
			atomic := append([]byte{4, 0, 0, 0, 0, 0, 0, byte(i)}, inner...)
			if inner[0]>>4 == 6 {
				atomic[0] = 41
			}
			if err := gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true}, ip, gopacket.Payload(atomic)); err != nil {
				t.Fatal(err)
			}
			inner = bytes.Clone(buffer.Bytes())
		}
		eth := append(bytes.Clone(frame[:12]), 0x86, 0xdd)
		if inner[0]>>4 == 4 {
			eth[12], eth[13] = 8, 0
		}
		text := strings.Join(lines(read(t, pcap(t, [][]byte{append(eth, inner...)}, 0))), "\n")
		if got, want := strings.Contains(text, "1 connections"), depth <= maxNested; got != want {
			t.Errorf("%d deep: found %v, want %v: %s", depth, got, want, text)
		}
	}
}

// FuzzFragments checks that a packet which comes out is what every fragment of it
// said, and that the count of kept bytes is right.
func FuzzFragments(f *testing.F) {
	f.Add([]byte{0, 1, 1, 0, 1, 0, 1, 1})
	f.Add([]byte{2, 0, 1, 0, 0, 2, 1, 0, 0, 2, 1, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		var all fragments
		var said []piece
		at := began
		// Four bytes are a fragment: offset, blocks, more, and the seed of its bytes.
		for ; len(script) >= 4; script = script[4:] {
			p := piece{offset: int(script[0]%16) * 8, more: script[2]&1 == 1, data: bytes.Repeat([]byte{script[3] & 1}, int(script[1]%8)*8+int(script[2]>>6))}
			at = at.Add(time.Duration(script[3]) * time.Millisecond)
			said = append(said, p)
			whole, _, ok := all.add(keyed, p, at)
			kept := 0
			for _, e := range all.waiting {
				for _, p := range e.Value.(*fragmented).pieces {
					kept += len(p.data)
				}
			}
			if kept != all.bytes {
				t.Fatalf("%d bytes are kept, %d counted", kept, all.bytes)
			}
			if !ok {
				continue
			}
			covered := make([]bool, len(whole))
			for _, p := range said {
				if end := p.offset + len(p.data); end <= len(whole) && bytes.Equal(whole[p.offset:end], p.data) {
					for i := p.offset; i < end; i++ {
						covered[i] = true
					}
				}
			}
			if slices.Contains(covered, false) {
				t.Fatalf("a byte of %x is of no fragment", whole)
			}
			last := said[len(said)-1]
			if end := last.offset + len(last.data); end > len(whole) || !bytes.Equal(whole[last.offset:end], last.data) {
				t.Fatalf("the last fragment %+v is not in %x", last, whole)
			}
		}
	})
}
