package capture

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/gopacket/gopacket/reassembly"

	"github.com/certassay/certassay/internal/evidence"
)

// Read reads a capture and emits what it shows: a subject for each server, name
// and chain, in the order in which they were met, a chain for each client
// certificate, and at the end one without certificates that says what could not
// be checked, where anything could not. path names it. The error is that of the
// context; what was seen until then is emitted all the same.
func Read(ctx context.Context, path string, in io.Reader, emit func(*evidence.Subject)) error {
	w := newWatch(path)
	err := w.packets(ctx, in)
	w.assembler.FlushAll()
	w.emit(emit)
	return err
}

// A source gives packets; the bytes are valid until the next.
type source interface {
	ZeroCopyReadPacketData() ([]byte, gopacket.CaptureInfo, error)
}

// errLimit says that a limit of the package was met.
var errLimit = errors.New("it is larger than what is read")

// A meter counts what is read, and stops where too much is no packet.
type meter struct {
	in            io.Reader
	read, packets int64
}

func (m *meter) Read(b []byte) (int, error) {
	if m.read > MaxBytes || m.read-m.packets > MaxOverhead {
		return 0, errLimit
	}
	n, err := m.in.Read(b)
	m.read += int64(n)
	return n, err
}

func open(in io.Reader) (source, func(gopacket.CaptureInfo) layers.LinkType, error) {
	buffered := bufio.NewReaderSize(in, 1<<16)
	head, _ := buffered.Peek(4)
	if len(head) == 4 && binary.BigEndian.Uint32(head) == 0x0a0d0d0a {
		r, err := pcapgo.NewNgReader(buffered, pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: true})
		return r, func(ci gopacket.CaptureInfo) layers.LinkType {
			if len(ci.AncillaryData) > 0 {
				if t, ok := ci.AncillaryData[0].(layers.LinkType); ok {
					return t
				}
			}
			return 0
		}, err
	}
	r, err := pcapgo.NewReader(buffered)
	if err != nil {
		return nil, nil, err
	}
	return r, func(gopacket.CaptureInfo) layers.LinkType { return r.LinkType() }, nil
}

// packets feeds every packet to the assembler. What is wrong with the file goes
// into w.failures; the error is that of the context.
func (w *watch) packets(ctx context.Context, in io.Reader) error {
	m := &meter{in: in}
	src, link, err := open(m)
	if err != nil {
		w.fail("the capture cannot be read: "+err.Error(), "")
		return nil //nolint:nilerr // it is said in the report
	}
	for {
		if w.count%1024 == 0 && ctx.Err() != nil {
			return fmt.Errorf("reading %s: %w", w.path, context.Cause(ctx))
		}
		data, ci, err := src.ZeroCopyReadPacketData()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err == nil && w.count >= MaxPackets:
			err = errLimit
			fallthrough
		case err != nil:
			w.fail(fmt.Sprintf("the capture cannot be read beyond packet %d: %v", w.count, err), "what came before it was used")
			return nil //nolint:nilerr // it is said in the report
		}
		w.count++
		m.packets += int64(len(data))
		if ci.CaptureLength < ci.Length {
			w.truncated++
		}
		w.packet(data, ci, link(ci))
		if w.count%flushEvery == 0 {
			w.assembler.FlushCloseOlderThan(ci.Timestamp.Add(-idle))
		}
	}
}

// packet decodes one and gives its TCP segment to the assembler. gopacket
// recovers from panics of its decoders.
func (w *watch) packet(data []byte, ci gopacket.CaptureInfo, link layers.LinkType) {
	p := gopacket.NewPacket(data, link, gopacket.DecodeOptions{NoCopy: true})
	if e := p.ErrorLayer(); e != nil && p.NetworkLayer() == nil {
		w.undecoded++
		return
	}
	w.layers(p, nil, ci, 0)
}

// layers looks through what a packet holds; network is what it lies in where it was
// put together from fragments, nested how often that was done.
func (w *watch) layers(p gopacket.Packet, network gopacket.NetworkLayer, ci gopacket.CaptureInfo, nested int) {
	var extension *layers.IPv6Fragment
	for _, l := range p.Layers() {
		switch l := l.(type) {
		case gopacket.NetworkLayer:
			network, extension = l, nil // the innermost, within a tunnel
		case *layers.IPv6Fragment:
			extension = l
		case *gopacket.Fragment:
			w.fragment(network, extension, *l, ci, nested)
		case *layers.UDP:
			w.datagram(network, l, ci)
		case *layers.TCP:
			if network == nil {
				return
			}
			if w.open >= maxFlows || w.buffered >= maxBuffered {
				w.assembler.FlushAll()
				w.flushed = true
			}
			w.assembler.AssembleWithContext(network.NetworkFlow(), l, contextOf(ci))
			return
		}
	}
}

// contextOf carries when a packet was seen.
type contextOf gopacket.CaptureInfo

// GetCaptureInfo implements [reassembly.AssemblerContext].
func (c contextOf) GetCaptureInfo() gopacket.CaptureInfo { return gopacket.CaptureInfo(c) }

var _ reassembly.AssemblerContext = contextOf{}

// Began is the time of the first packet of a capture; zero where there is none.
func Began(in io.Reader) time.Time {
	src, _, err := open(&meter{in: in})
	if err != nil {
		return time.Time{}
	}
	_, ci, err := src.ZeroCopyReadPacketData()
	if err != nil {
		return time.Time{}
	}
	return ci.Timestamp.UTC()
}
