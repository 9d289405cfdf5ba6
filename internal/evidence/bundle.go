package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// BundleFormat names the format and its version. A change that an older reader
// would misunderstand gets another number.
const BundleFormat = "certassay/evidence/v1"

// BundlePrefix is how many bytes [IsBundle] wants to see.
const BundlePrefix = 8 + len(BundleFormat) + 1

// limits of a bundle, with the attack each one stops. They hold for writer and
// reader alike, so that what was written can be read.
type limits struct {
	// line bounds one line: a line without end would fill memory.
	line int
	// fresh bounds the certificates that one subject brings along: lines of
	// certificates that no subject ever names would fill memory.
	fresh int
	// remembered is how much of certificates is remembered between subjects.
	remembered int
	// content bounds the lines together: a bomb would keep us busy for days.
	content int64
	// ratio and slack bound the lines together by the size of the file: zstd
	// can turn 20 kB into a gigabyte of zeros, evidence never does.
	ratio, slack int64
}

// bundleLimits are those of the format; tests use smaller ones.
func bundleLimits() limits {
	return limits{line: 64 << 20, fresh: 64 << 20, remembered: 32 << 20, content: 64 << 30, ratio: 500, slack: 64 << 20}
}

// unpacked is how many bytes of lines a file of the given size may hold.
func (l *limits) unpacked(size int64) int64 {
	if size > l.content/l.ratio {
		return l.content
	}
	return l.slack + l.ratio*size
}

const (
	// perCertificate is what remembering costs besides the bytes: a million
	// empty certificates would fill memory as well.
	perCertificate = 128
	// zstdWindow is the memory that a decoder has to give: a frame that asks
	// for gigabytes is refused.
	zstdWindow = 4 << 20
)

// sealSize is the length of the last frame: its header and a SHA-256.
const sealSize = 8 + sha256.Size

// skippable writes a zstd skippable frame. The magic number's last four bits are
// free; we use 0xc for our own.
func skippable(content []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0x184D2A5C)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(content)))
	return append(b, content...)
}

// bundleHead is how every bundle of this version starts.
func bundleHead() []byte { return skippable([]byte(BundleFormat + "\n")) }

// IsBundle says whether a file that starts with prefix is an evidence bundle, of
// this version or another. It needs [BundlePrefix] bytes; with fewer it says no.
func IsBundle(prefix []byte) bool {
	head := bundleHead()
	family := head[:len(head)-len("v1\n")]
	return len(prefix) >= BundlePrefix && bytes.HasPrefix(prefix, family)
}

// A BundleError says why a bundle cannot be read or written, and what can be
// done about it.
type BundleError struct {
	// Problem is the sentence, in lower case and without a full stop.
	Problem string
	// Advice is what a person can do; never empty.
	Advice string
	// Err is the cause; nil where the problem says it all.
	Err error
}

// Error gives the problem and its cause.
func (e *BundleError) Error() string {
	if e.Err == nil {
		return "evidence bundle: " + e.Problem
	}
	return "evidence bundle: " + e.Problem + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *BundleError) Unwrap() error { return e.Err }

// Hint says what a person can do.
func (e *BundleError) Hint() string { return e.Advice }

const (
	adviceCopy    = "nothing of it was used; copy the file again, or collect the evidence again"
	adviceForeign = "nothing of it was used; it was not written by this version of certassay: ask where it comes from"
)

// damaged is the error for bytes that are not those that were written.
func damaged(format string, args ...any) error {
	return &BundleError{Problem: fmt.Sprintf(format, args...), Advice: adviceCopy}
}

// foreign is the error for an intact file whose content breaks the format.
func foreign(line int64, err error) error {
	return &BundleError{Problem: fmt.Sprintf("line %d", line), Advice: adviceForeign, Err: err}
}
