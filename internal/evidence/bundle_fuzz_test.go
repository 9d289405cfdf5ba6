package evidence

import (
	"bytes"
	"testing"
)

// FuzzBundleLines packs any lines with a valid seal. What the reader accepts is
// what the writer writes: there is one bundle for one evidence.
func FuzzBundleLines(f *testing.F) {
	f.Add(unpack(f, write(f, testRun, testSubjects()...)))
	f.Add(unpack(f, write(f, Run{})))
	f.Add([]byte(`{"format":"certassay/evidence/v1"}` + "\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := NewReader(bytes.NewReader(pack(t, content)))
		if err != nil {
			return
		}
		_, subjects := read(t, pack(t, content))
		if again := unpack(t, write(t, r.Run(), subjects...)); !bytes.Equal(again, content) {
			t.Errorf("read and written again gives %q, was %q", again, content)
		}
	})
}

// FuzzBundleFile changes a real file anywhere: it is read as it was, or refused.
func FuzzBundleFile(f *testing.F) {
	bundle := write(f, testRun, testSubjects()...)
	f.Add(bundle)
	f.Add(bundle[:len(bundle)/2])
	f.Add(bundleHead())
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewReader(bytes.NewReader(file))
		if err == nil && r.Len() < 0 {
			t.Error("a negative number of subjects")
		}
		if err == nil && !IsBundle(file) {
			t.Error("NewReader accepts what IsBundle does not know")
		}
	})
}
