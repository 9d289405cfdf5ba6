package cert

import (
	"testing"
	"unsafe"
)

// within fails unless part is a piece of whole, and not a copy.
func within(t *testing.T, whole, part []byte) {
	t.Helper()
	if len(part) == 0 {
		return
	}
	start := uintptr(unsafe.Pointer(unsafe.SliceData(whole)))
	at := uintptr(unsafe.Pointer(unsafe.SliceData(part)))
	if at < start || at+uintptr(len(part)) > start+uintptr(len(whole)) {
		t.Errorf("%x... is no part of the input", part[:min(len(part), 16)])
	}
}
