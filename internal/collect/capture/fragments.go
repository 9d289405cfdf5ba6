package capture

import (
	"bytes"
	"container/list"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Limits of IP fragments, each with the attack it stops.
const (
	// maxDatagrams and maxFragmentBytes bound the packets that wait for the rest
	// of them: a first fragment costs its sender nothing. The oldest are given up.
	maxDatagrams     = 1 << 12
	maxFragmentBytes = 32 << 20
	// maxPieces is the most fragments of one packet: they may be of eight bytes.
	// The longest packet in fragments of 576 bytes has 119.
	maxPieces = 256
	// maxDatagram is the longest packet there is: the "ping of death" is longer.
	maxDatagram = 65535
	// fragmentAge is how long the rest of a packet is waited for, by the clock of
	// the capture (RFC 8200 section 4.5 says 60 s, Linux 30 s).
	fragmentAge = time.Minute
	// repeatAge is how long after a packet was whole its fragments are taken for
	// repeated ones, as where a capture saw two interfaces; identifiers come
	// round again.
	repeatAge = time.Second
	// maxNested is how deep fragmented packets may lie in fragmented packets.
	maxNested = 4
)

// A datagramKey says which fragments belong together (RFC 791 section 3.2, RFC
// 8200 section 4.5).
type datagramKey struct {
	flow     gopacket.Flow
	id       uint32
	protocol layers.IPProtocol // of IPv4; IPv6 has 32 bits of identifier instead
}

// A piece is one fragment.
type piece struct {
	offset int
	data   []byte
	more   bool              // it is not the last
	next   layers.IPProtocol // what the packet holds, as this fragment says
}

// A fragmented is a packet of which fragments were met.
type fragmented struct {
	key   datagramKey
	began time.Time
	// over is set once it was whole or refused; then it holds no pieces, and what
	// else comes of it is passed over for a while.
	over    time.Time
	refused bool
	pieces  []piece // by offset, none of which overlap
	size    int     // bytes in pieces
	end     int     // 0 before the last fragment was met
}

// A fragments puts IP packets together again. Fragments that overlap, other than a
// repeated one, or contradict each other in how long the packet is, refuse it
// whole, as systems do (RFC 5722, and Linux for IPv4): what of them counts is what
// an attacker would choose. The zero value is ready.
//
// (The defragmenters of gopacket let the first of two different fragments win, do
// not bound bytes, and that of IPv6 goes by the clock of this machine.)
type fragments struct {
	waiting map[datagramKey]*list.Element // of *fragmented
	order   list.List                     // of *fragmented, by when it was begun
	bytes   int

	// lost are fragments of packets that never were whole; refused the packets
	// that contradict themselves; crowded says that some were given up early.
	lost, refused int64
	crowded       bool
}

// add takes a fragment and gives the packet that it makes whole, if it does.
func (f *fragments) add(key datagramKey, p piece, at time.Time) (whole []byte, next layers.IPProtocol, ok bool) {
	f.expire(at)
	for f.bytes+len(p.data) > maxFragmentBytes {
		f.crowd()
	}
	d := f.find(key, at)
	switch {
	case !d.over.IsZero():
		return nil, 0, false
	case p.more && (len(p.data) == 0 || len(p.data)%8 != 0), p.offset+len(p.data) > maxDatagram, len(d.pieces) >= maxPieces:
		f.refuse(d, at)
		return nil, 0, false
	}
	i, found := slices.BinarySearchFunc(d.pieces, p.offset, func(q piece, offset int) int { return q.offset - offset })
	if found && d.pieces[i].more == p.more && bytes.Equal(d.pieces[i].data, p.data) {
		return nil, 0, false // repeated
	}
	if d.contradicts(i, p) {
		f.refuse(d, at)
		return nil, 0, false
	}
	p.data = bytes.Clone(p.data) // the capture's own buffer
	d.pieces = slices.Insert(d.pieces, i, p)
	d.size += len(p.data)
	f.bytes += len(p.data)
	if !p.more {
		d.end = p.offset + len(p.data)
	}
	if d.end == 0 || d.size < d.end {
		return nil, 0, false
	}
	whole = make([]byte, 0, d.size)
	for _, p := range d.pieces {
		whole = append(whole, p.data...)
	}
	next = d.pieces[0].next
	f.settle(d, at)
	return whole, next, true
}

// contradicts says that a fragment, which would be the i-th, cannot be of the same
// packet as the others.
func (d *fragmented) contradicts(i int, p piece) bool {
	end := p.offset + len(p.data)
	switch {
	case i > 0 && d.pieces[i-1].offset+len(d.pieces[i-1].data) > p.offset,
		i < len(d.pieces) && (d.pieces[i].offset < end || d.pieces[i].offset == p.offset):
		return true
	case d.end > 0:
		return !p.more || end > d.end
	}
	return !p.more && i < len(d.pieces)
}

// find gives the packet of a key, begun where there is none.
func (f *fragments) find(key datagramKey, at time.Time) *fragmented {
	if e, ok := f.waiting[key]; ok {
		d := e.Value.(*fragmented)
		if d.over.IsZero() || d.refused || at.Sub(d.over) < repeatAge {
			return d
		}
		f.drop(e)
	}
	for f.order.Len() >= maxDatagrams {
		f.crowd()
	}
	if f.waiting == nil {
		f.waiting = map[datagramKey]*list.Element{}
	}
	d := &fragmented{key: key, began: at}
	f.waiting[key] = f.order.PushBack(d)
	return d
}

// expire gives up what has waited too long.
func (f *fragments) expire(at time.Time) {
	for e := f.order.Front(); e != nil && at.Sub(e.Value.(*fragmented).began) > fragmentAge; e = f.order.Front() {
		f.drop(e)
	}
}

// crowd gives up the oldest to make room.
func (f *fragments) crowd() {
	oldest := f.order.Front()
	f.crowded = f.crowded || oldest.Value.(*fragmented).over.IsZero()
	f.drop(oldest)
}

// drop forgets a packet. What of it never was whole is counted.
func (f *fragments) drop(e *list.Element) {
	d := f.order.Remove(e).(*fragmented)
	delete(f.waiting, d.key)
	f.lost += int64(len(d.pieces))
	f.bytes -= d.size
}

func (f *fragments) refuse(d *fragmented, at time.Time) {
	f.refused++
	d.refused = true
	f.settle(d, at)
}

// settle lets go of the bytes of a packet and keeps that it was.
func (f *fragments) settle(d *fragmented, at time.Time) {
	f.bytes -= d.size
	d.over, d.pieces, d.size = at, nil, 0
}

// finish gives up all that still waits.
func (f *fragments) finish() {
	for e := f.order.Front(); e != nil; e = f.order.Front() {
		f.drop(e)
	}
}

// fragment takes the fragment that a packet is, and hands on the packet that it
// makes whole. extension is that of IPv6, or nil.
func (w *watch) fragment(network gopacket.NetworkLayer, extension *layers.IPv6Fragment, data []byte, ci gopacket.CaptureInfo, nested int) {
	var key datagramKey
	p := piece{data: data}
	whole := ci.CaptureLength >= ci.Length
	switch ip := network.(type) {
	case *layers.IPv4:
		key = datagramKey{ip.NetworkFlow(), uint32(ip.Id), ip.Protocol}
		p.offset, p.more, p.next = int(ip.FragOffset)*8, ip.Flags&layers.IPv4MoreFragments != 0, ip.Protocol
		whole = whole && len(data) == int(ip.Length)-4*int(ip.IHL)
	case *layers.IPv6:
		if extension == nil {
			return
		}
		key = datagramKey{flow: ip.NetworkFlow(), id: extension.Identification}
		p.offset, p.more, p.next = int(extension.FragmentOffset)*8, extension.MoreFragments, extension.NextHeader
	default:
		return
	}
	if !whole || nested >= maxNested {
		w.fragments.lost++
		return
	}
	if packet, next, ok := w.fragments.add(key, p, ci.Timestamp); ok {
		inner := gopacket.NewPacket(packet, next.LayerType(), gopacket.DecodeOptions{NoCopy: true})
		w.layers(inner, network, ci, nested+1)
	}
}
