package capture

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/lab"
)

// messagesOf gives the handshake messages of one direction of a TLS connection
// up to where it is encrypted.
func messagesOf(turns []turn, fromServer bool) (out [][]byte) {
	var hs []byte
	for b := joined(turns, fromServer); len(b) > 5 && b[0] == 22; {
		n := 5 + int(binary.BigEndian.Uint16(b[3:]))
		hs, b = append(hs, b[5:n]...), b[n:]
	}
	for len(hs) >= 4 {
		n := 4 + int(hs[1])<<16 + int(hs[2])<<8 + int(hs[3])
		out, hs = append(out, hs[:n]), hs[n:]
	}
	return out
}

// inDTLS cuts messages into datagrams of at most size bytes of a message.
func inDTLS(messages [][]byte, size int) (out [][]byte) {
	for number, m := range messages {
		kind, body := m[0], slices.Clone(m[4:])
		switch kind {
		case clientHello: // with a cookie
			body[0], body[1] = 0xfe, 0xfd
			body = slices.Insert(body, 35+int(body[34]), 3, 'a', 'b', 'c')
		case serverHello:
			body[0], body[1] = 0xfe, 0xfd
		}
		for offset := 0; offset == 0 || offset < len(body); offset += size {
			part := body[offset:min(offset+size, len(body))]
			head := []byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body)), 0, byte(number),
				byte(offset >> 16), byte(offset >> 8), byte(offset), 0, byte(len(part) >> 8), byte(len(part))}
			record := []byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, byte(number), byte((len(part) + 12) >> 8), byte(len(part) + 12)}
			out = append(out, slices.Concat(record, head, part))
		}
	}
	return out
}

func datagram(tb testing.TB, from, to netip.AddrPort, data []byte) []byte {
	tb.Helper()
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
	udp := &layers.UDP{SrcPort: layers.UDPPort(from.Port()), DstPort: layers.UDPPort(to.Port())}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		tb.Fatal(err)
	}
	buffer := gopacket.NewSerializeBuffer()
	eth := &layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: layers.EthernetTypeIPv4}
	if err := gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, eth, ip, udp, gopacket.Payload(data)); err != nil {
		tb.Fatal(err)
	}
	return bytes.Clone(buffer.Bytes())
}

func TestDTLS(t *testing.T) {
	l := lab.New(lab.Config{})
	turns := handshake(t, setting{chain: l.Chain(), version: tls.VersionTLS12, name: "time.lab.example"})
	capture := func(size int, change func([][]byte) [][]byte) []byte {
		var frames [][]byte
		for _, d := range inDTLS(messagesOf(turns, false)[:1], size) {
			frames = append(frames, datagram(t, client, server, d))
		}
		var answers [][]byte
		for _, d := range inDTLS(messagesOf(turns, true), size) {
			answers = append(answers, datagram(t, server, client, d))
		}
		if change != nil {
			answers = change(answers)
		}
		return pcap(t, append(frames, answers...), 0)
	}
	n := len(l.Chain())
	seen := fmt.Sprintf(`c.pcap#1 198.51.100.1:443 endpoint "time.lab.example" %d 0303 possession=true`, n)
	quic := []byte{0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0}
	for _, tt := range []struct {
		name string
		file []byte
		want string
	}{
		{"whole", capture(60000, nil), seen},
		{"fragments", capture(100, nil), seen},
		{"reversed", capture(100, func(p [][]byte) [][]byte {
			slices.Reverse(p[1:]) // the hello comes first: it begins the flow
			return p
		}), seen},
		{"twice", capture(100, func(p [][]byte) [][]byte { return append(p, p...) }), seen},
		{"QUIC", pcap(t, [][]byte{datagram(t, client, server, quic), datagram(t, server, client, quic)}, 0),
			`c.pcap chain "" 0 / 1 connections are of QUIC, which encrypts certificates: they could not be checked`},
	} {
		if diff := cmp.Diff([]string{tt.want}, lines(read(t, tt.file))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	for drop := range len(inDTLS(messagesOf(turns, true), 100)) {
		for _, s := range read(t, capture(100, func(p [][]byte) [][]byte { return slices.Delete(p, drop, drop+1) })) {
			if len(s.Certificates) < n && len(s.Failures) == 0 {
				t.Errorf("without datagram %d: nothing is said of what is missing", drop)
			}
			for i, der := range s.Certificates {
				if !bytes.Equal(der, l.Chain()[i]) {
					t.Errorf("without datagram %d: certificate %d is made up", drop, i)
				}
			}
		}
	}
}

// FuzzDTLS checks that what is counted as kept is what is kept, and that no
// certificate is made up.
func FuzzDTLS(f *testing.F) {
	l := lab.New(lab.Config{})
	turns := handshake(f, setting{chain: l.Chain()[:1], version: tls.VersionTLS12, name: "a"})
	f.Add(slices.Concat(inDTLS(messagesOf(turns, false)[:1], 9000)...), slices.Concat(inDTLS(messagesOf(turns, true), 300)...))
	f.Fuzz(func(t *testing.T, fromClient, fromServer []byte) {
		if len(fromClient)+len(fromServer) > 1<<15 {
			return
		}
		w := newWatch("c")
		ci := gopacket.CaptureInfo{Timestamp: began}
		for i, data := range [][]byte{fromClient, fromServer, fromClient} {
			from, to := client, server
			if i == 1 {
				from, to = to, from
			}
			w.packet(datagram(t, from, to, data), ci, layers.LinkTypeEthernet)
		}
		kept := 0
		for _, f := range w.datagrams {
			kept += f.halves[0].kept() + f.halves[1].kept()
		}
		if kept != w.buffered {
			t.Errorf("%d bytes are kept, %d are counted", kept, w.buffered)
		}
		w.emit(func(s *evidence.Subject) {
			if len(s.Certificates) == 0 && len(s.Failures) == 0 {
				t.Error("neither certificate nor failure")
			}
		})
		if w.buffered != 0 {
			t.Errorf("%d bytes are counted at the end", w.buffered)
		}
	})
}
