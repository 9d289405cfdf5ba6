package ctlog

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"testing"

	klauspost "github.com/klauspost/compress/gzip"
)

// library is what decides what is gzip.
func library(b []byte, limit int) ([]byte, error) {
	z, err := klauspost.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, int64(limit)))
}

func packings(t testing.TB) map[string][]byte {
	t.Helper()
	var certificates []byte
	for _, x := range issued() {
		certificates = append(certificates, x.der...)
	}
	noise := make([]byte, 200_000)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	out := map[string][]byte{}
	for name, text := range map[string][]byte{
		"nothing": nil, "one": {7}, "certificates": certificates, "zeros": make([]byte, 300_000), "noise": noise,
		"all octets": bytes.Repeat([]byte(string(rune(0))+"abcdefgh\xff"), 9000), "mixed": append(append(certificates, noise[:5000]...), certificates...),
	} {
		for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
			var b bytes.Buffer
			z, err := gzip.NewWriterLevel(&b, level)
			if err != nil {
				t.Fatal(err)
			}
			z.Write(text)
			z.Close()
			out[fmt.Sprintf("%s at %d", name, level)] = b.Bytes()
			var k bytes.Buffer
			y, err := klauspost.NewWriterLevel(&k, level)
			if err != nil {
				t.Fatal(err)
			}
			y.Write(text)
			y.Close()
			out[fmt.Sprintf("%s at %d by another", name, level)] = k.Bytes()
		}
	}
	return out
}

// What logs write is read by the inflater itself, and as the library reads it.
func TestInflate(t *testing.T) {
	var f inflater
	var buffer []byte
	for name, b := range packings(t) {
		want, err := library(b, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := f.gunzip(b, buffer, 1<<20)
		if !ok || !bytes.Equal(got, want) {
			t.Errorf("%s: gunzip = %d octets, %v, want %d", name, len(got), ok, len(want))
		}
		if len(want) > 0 {
			if _, ok := f.gunzip(b, nil, len(want)-1); ok {
				t.Errorf("%s: gunzip with a limit of one less = ok", name)
			}
		}
		for _, n := range []int{1, 8, 9, len(b) / 2} {
			if _, ok := f.gunzip(b[:max(0, len(b)-n)], buffer, 1<<20); ok {
				t.Errorf("%s: gunzip without the last %d octets = ok", name, n)
			}
		}
		buffer = got
	}
}

// Whatever it accepts, the library reads the same; damage is never accepted.
func FuzzInflate(f *testing.F) {
	for name, b := range packings(f) {
		if len(b) < 3000 {
			f.Add(b, uint16(0), byte(0))
			f.Add(b, uint16(len(name)+12), byte(4))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, at uint16, change byte) {
		b = bytes.Clone(b)
		if len(b) > 0 {
			b[int(at)%len(b)] ^= change
		}
		checkInflate(t, b)
		// With the checksum made right the octets before it are looked at alone.
		if want, _ := library(b, 1<<16); len(b) > 18 {
			binary.LittleEndian.PutUint32(b[len(b)-8:], crc32.ChecksumIEEE(want))
			binary.LittleEndian.PutUint32(b[len(b)-4:], uint32(len(want)))
			checkInflate(t, b)
		}
	})
}

func checkInflate(t *testing.T, b []byte) {
	t.Helper()
	const limit = 1 << 16
	var f inflater
	got, ok := f.gunzip(b, nil, limit)
	if !ok {
		return
	}
	if want, err := library(b, limit+1); err != nil || !bytes.Equal(got, want) {
		t.Errorf("gunzip(%x) = %x, the library reads %x, %v", b, got, want, err)
	}
}

func BenchmarkUnpack(b *testing.B) {
	l := newLog(b, 256)
	var text []byte
	s := open(b, l, "static-ct", quickly, nil).(*tiled)
	text, err := s.fetcher.get(b.Context(), "tile/data/000", maxPacked, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	var buffer []byte
	for b.Loop() {
		out, err := unpack(text, buffer, maxTile)
		if err != nil {
			b.Fatal(err)
		}
		buffer = out
	}
	b.SetBytes(int64(len(buffer)))
}
