package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"
)

var testRun = Run{
	Command: "scan", Vantage: "direct", Complete: true, Contacted: []string{"203.0.113.7:443"},
	Started:  time.Date(2026, 11, 1, 8, 0, 0, 123456789, time.FixedZone("CST", 8*3600)),
	Finished: time.Date(2026, 11, 1, 1, 0, 0, 1, time.UTC),
	At:       time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
}

// fill sets every field that v has to something that is not its zero value, so
// that a field added to the evidence cannot be forgotten in the bundle.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(1_800_000_000, int64(*n)).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d <&>\u2028\x1b", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8, reflect.Uint16, reflect.Uint64:
		v.SetUint(uint64(*n) % 251)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	default:
		panic("fill: " + v.Kind().String())
	}
}

func testSubjects() []*Subject {
	n := 0
	var full Subject
	fill(reflect.ValueOf(&full).Elem(), &n)
	leaf, issuer := DER("not even DER"), DER(bytes.Repeat([]byte{0x30, 0x82}, 500))
	return []*Subject{
		&full,
		{ID: "a", Kind: Endpoint, Certificates: []DER{leaf, issuer, leaf, {}}},
		{ID: "b", Kind: Endpoint, Certificates: []DER{issuer}, Handshakes: []Handshake{
			{Profile: "default", Certificates: []DER{leaf}, SCTs: [][]byte{{1}, {}}, OCSP: []byte{2}},
			{Profile: "classical", Failure: &Failure{Stage: StageHandshake, Error: "reset"}, Reset: true}}},
		{ID: "nothing", Kind: Chain, Failures: []Failure{{Stage: StageRead, Error: "no such file", Hint: "look"}}},
	}
}

func write(t testing.TB, run Run, subjects ...*Subject) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out)
	for _, s := range subjects {
		if err := w.Add(s); err != nil {
			t.Fatalf("Add(%s): %v", s.ID, err)
		}
	}
	if err := w.Close(run); err != nil {
		t.Fatalf("Close: %v", err)
	}
	return out.Bytes()
}

func read(t testing.TB, bundle []byte) (*Reader, []*Subject) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(bundle))
	if err != nil {
		t.Fatalf("NewReader: %v", err)
	}
	var subjects []*Subject
	for s, err := range r.Subjects() {
		if err != nil {
			t.Fatalf("Subjects: %v", err)
		}
		subjects = append(subjects, s)
	}
	return r, subjects
}

func TestBundleRoundTrip(t *testing.T) {
	for _, complete := range []bool{true, false} {
		run, want := testRun, testSubjects()
		run.Complete = complete
		bundle := write(t, run, want...)
		r, got := read(t, bundle)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("subjects differ (-written +read):\n%s", diff)
		}
		if diff := cmp.Diff(run, r.Run()); diff != "" {
			t.Errorf("run differs (-written +read):\n%s", diff)
		}
		if r.Len() != len(want) {
			t.Errorf("Len() = %d, want %d", r.Len(), len(want))
		}
		if again := write(t, r.Run(), got...); !bytes.Equal(again, bundle) {
			t.Error("writing what was read gives other bytes")
		}
	}
}

func TestBundleOfNothing(t *testing.T) {
	r, subjects := read(t, write(t, Run{}))
	if len(subjects) != 0 || r.Len() != 0 {
		t.Errorf("got %d subjects, want none", len(subjects))
	}
	if got := r.Run().Contacted; got == nil {
		t.Error("Contacted is nil, reports want a list")
	}
}

func TestBundleIsWhatTheFormatSays(t *testing.T) {
	zstdTool, err := exec.LookPath("zstd")
	if err != nil {
		t.Skip("needs the zstd command")
	}
	cmd := exec.Command(zstdTool, "-dc")
	cmd.Stdin = bytes.NewReader(write(t, testRun, testSubjects()...))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("zstd -dc: %v", err)
	}
	lines := strings.SplitAfter(string(out), "\n")
	if want := `{"format":"certassay/evidence/v1"}` + "\n"; lines[0] != want {
		t.Errorf("first line is %q, want %q", lines[0], want)
	}
	// The full subject brings 16 (2, 2 in each handshake and probe, 3 in each fetch), the
	// second 3; nothing else is new.
	if got := strings.Count(string(out), `{"certificate":`); got != 19 {
		t.Errorf("%d certificate lines, want 19: each certificate once", got)
	}
}

func TestBundleTruncated(t *testing.T) {
	bundle := write(t, testRun, testSubjects()...)
	for n := range bundle {
		wantBundleError(t, fmt.Sprintf("first %d of %d bytes", n, len(bundle)), bundle[:n])
	}
}

func TestBundleBitFlips(t *testing.T) {
	bundle := write(t, testRun, testSubjects()...)
	for i := range bundle {
		for bit := range 8 {
			bundle[i] ^= 1 << bit
			wantBundleError(t, fmt.Sprintf("bit %d of byte %d flipped", bit, i), bundle)
			bundle[i] ^= 1 << bit
		}
	}
	wantBundleError(t, "a byte appended", append(bundle, 0))
	wantBundleError(t, "two bundles in one file", append(bundle[:len(bundle):len(bundle)], bundle...))
}

func wantBundleError(t testing.TB, what string, file []byte) *BundleError {
	t.Helper()
	_, err := NewReader(bytes.NewReader(file))
	var be *BundleError
	if !errors.As(err, &be) {
		t.Fatalf("%s: NewReader gives error %v, want a BundleError", what, err)
	}
	if be.Hint() == "" || be.Problem == "" {
		t.Fatalf("%s: %q has hint %q; both have to say something", what, be, be.Hint())
	}
	return be
}

// pack seals lines that no Writer would have written.
func pack(t testing.TB, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	s := NewWriter(&out)
	s.zw.Reset(s.out) // without the format line
	if _, err := s.zw.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.zw.Close(), s.out.seal()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// unpack gives the lines of a bundle.
func unpack(t testing.TB, bundle []byte) []byte {
	t.Helper()
	zr, err := zstd.NewReader(bytes.NewReader(bundle))
	if err != nil {
		t.Fatal(err)
	}
	defer zr.Close()
	content, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestBundleHostileContent(t *testing.T) {
	const format = `{"format":"certassay/evidence/v1"}` + "\n"
	cert := `{"certificate":{"sha256":"` + Hash(DER("x").SHA256()) + `","der":"eA=="}}` + "\n"
	subject := `{"subject":{"id":"a","kind":"chain","target":"","certificates":["` + Hash(DER("x").SHA256()) + `"]}}` + "\n"
	good := string(unpack(t, write(t, testRun, testSubjects()...)))
	split := strings.LastIndex(good[:len(good)-1], "\n") + 1
	body, trailer := good[:split], good[split:]
	tests := []struct{ name, content, want string }{
		{"nothing", "", "without a trailer"},
		{"no format", cert + subject, "format line"},
		{"format twice", format + format, "format line"},
		{"other format", `{"format":"certassay/evidence/v2"}` + "\n", "want \"certassay/evidence/v1\""},
		{"not JSON", format + "hello\n", "invalid character"},
		{"half a line", format + `{"certificate":` + "\n", "whole JSON object"},
		{"no line end", format + strings.TrimSuffix(subject, "\n"), "without a trailer"},
		{"empty line", format + "\n", "whole JSON object"},
		{"null", format + "null\n", "not written the way"},
		{"empty object", format + "{}\n", "one thing"},
		{"two things", format + cert[:len(cert)-2] + "," + subject[1:], "one thing"},
		{"unknown key", format + `{"color":"red"}` + "\n", "unknown field"},
		{"key in other case", format + strings.Replace(cert, "der", "DER", 1), "not written the way"},
		{"duplicate key", format + strings.Replace(cert, `{"sha256"`, `{"der":"eA==","sha256"`, 1), "not written the way"},
		{"white space", format + " " + cert, "not written the way"},
		{"two values on a line", format + cert[:len(cert)-1] + cert, "not written the way"},
		{"time not in UTC", format + cert + strings.Replace(subject, `"target":"",`, `"target":"","seen":"2026-01-01T00:00:00+01:00",`, 1), "not written the way"},
		{"wrong hash", format + strings.Replace(cert, "eA==", "eQ==", 1), "said to be"},
		{"short hash", format + `{"certificate":{"sha256":"sha256:00","der":""}}` + "\n", "not a SHA-256"},
		{"certificate twice", format + cert + cert, "given before"},
		{"reference to nothing", format + subject, "was not given"},
		{"certificate of nobody", format + cert + strings.Replace(subject, `,"certificates":["`+Hash(DER("x").SHA256())+`"]`, "", 1), "does not have it"},
		{"no trailer", body, "without a trailer"},
		{"subject removed", strings.Replace(good, `{"subject":{"id":"nothing"`, `{"subject":{"id":"notting"`, 1), "digest"},
		{"count", body + strings.Replace(trailer, `"subjects":4`, `"subjects":5`, 1), "announced"},
		{"after the trailer", good + subject, "follows the trailer"},
		{"line too long", format + strings.Repeat(" ", bundleLimits().line+1), "longer than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := wantBundleError(t, tt.name, pack(t, []byte(tt.content))).Error(); !strings.Contains(got, tt.want) {
				t.Errorf("error is %q, want it to say %q", got, tt.want)
			}
		})
	}
	if _, err := NewReader(bytes.NewReader(pack(t, []byte(good)))); err != nil {
		t.Errorf("the honest twin is refused: %v", err)
	}
}

// A small file that unpacks to gigabytes of well-formed lines is refused by
// proportion, long before its end.
func TestBundleBomb(t *testing.T) {
	var out bytes.Buffer
	lim := bundleLimits()
	lim.slack = 1 << 20
	w := newWriter(&out, lim)
	line := strings.Repeat("a", 1<<16)
	for range 200 {
		if err := w.Add(&Subject{ID: line}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(testRun); err == nil {
		t.Error("Close of a bundle that looks like a bomb gives no error")
	}
	if _, err := newReader(bytes.NewReader(out.Bytes()), lim); err == nil || !strings.Contains(err.Error(), "out of proportion") {
		t.Errorf("error is %v, want it to say that the contents are out of proportion", err)
	}
}

func TestBundleOtherFiles(t *testing.T) {
	head := bundleHead()
	newer := bytes.Replace(write(t, testRun), []byte("/v1\n"), []byte("/v2\n"), 1)
	tests := []struct {
		name string
		file []byte
		is   bool
		want string
	}{
		{"empty", nil, false, "ends after 0 bytes"},
		{"PEM", []byte("-----BEGIN CERTIFICATE-----\n"), false, "does not start like one"},
		{"zstd", unsealed(t), false, "does not start like one"},
		{"head alone", head, true, "ends after 30 bytes"},
		{"newer version", newer, true, "another version"},
	}
	for _, tt := range tests {
		if got := IsBundle(tt.file); got != tt.is {
			t.Errorf("%s: IsBundle = %t, want %t", tt.name, got, tt.is)
		}
		if got := wantBundleError(t, tt.name, tt.file).Error(); !strings.Contains(got, tt.want) {
			t.Errorf("%s: error is %q, want it to say %q", tt.name, got, tt.want)
		}
	}
}

func unsealed(t *testing.T) []byte {
	zw, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return zw.EncodeAll(bytes.Repeat([]byte("certassay"), 20), nil)
}

// A file that changes between verification and use gives an error, not other
// subjects.
func TestBundleChangedWhileRead(t *testing.T) {
	first, second := write(t, testRun, testSubjects()...), write(t, testRun, testSubjects()[1:]...)
	file := &swapped{Reader: bytes.NewReader(first)}
	r, err := NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	file.Reset(append(second, make([]byte, max(0, len(first)-len(second)))...))
	var last error
	for _, err := range r.Subjects() {
		last = err
	}
	if last == nil {
		t.Error("Subjects gives no error after the file was changed")
	}
}

type swapped struct{ *bytes.Reader }

func TestWriterRefusesWhatReaderWould(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	huge := &Subject{ID: "huge", Certificates: []DER{make(DER, bundleLimits().line)}}
	if err := w.Add(huge); err == nil {
		t.Error("Add of a certificate above the limit gives no error")
	}
	if err := w.Add(&Subject{ID: "small", Certificates: []DER{DER("x")}}); err != nil {
		t.Errorf("Add after a refused subject: %v", err)
	}
	if err := w.Close(testRun); err != nil {
		t.Fatal(err)
	}
	if _, subjects := read(t, out.Bytes()); len(subjects) != 1 || subjects[0].ID != "small" {
		t.Errorf("got %d subjects, want the small one", len(subjects))
	}
	if err := w.Add(&Subject{}); err == nil {
		t.Error("Add after Close gives no error")
	}
}

// A reader that forgets as the format says refuses what names a certificate that
// is forgotten, or writes one again that is not.
func TestBundleReaderForgets(t *testing.T) {
	var subjects []*Subject
	for i := range 5 {
		subjects = append(subjects, &Subject{ID: fmt.Sprint(i), Certificates: []DER{{byte(i)}, {9}}})
	}
	small, large := bundleLimits(), bundleLimits()
	small.remembered = 2 * perCertificate
	for _, tt := range []struct {
		name          string
		writer, other limits
		want          string
	}{{"reader forgets more", large, small, "was not given"}, {"reader forgets less", small, large, "given before"}} {
		var out bytes.Buffer
		w := newWriter(&out, tt.writer)
		for _, s := range subjects {
			if err := w.Add(s); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(testRun); err != nil {
			t.Fatal(err)
		}
		if _, err := newReader(bytes.NewReader(out.Bytes()), tt.other); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error is %v, want it to say %q", tt.name, err, tt.want)
		}
	}
}

func TestWriterReportsFullDisk(t *testing.T) {
	full := errors.New("no space left on device")
	w := NewWriter(failing{full})
	if err := w.Close(testRun); !errors.Is(err, full) {
		t.Errorf("Close = %v, want the error of the file", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// Certificates that were forgotten are written again, and neither side's memory
// grows with the number of subjects.
func TestBundleForgetsAlike(t *testing.T) {
	subject := func(i int) *Subject {
		leaf := make(DER, 1<<12)
		copy(leaf, fmt.Sprint(i))
		for j := range leaf[100:] { // not compressible below the ratio
			leaf[100+j] = byte(uint32(j*j+i) * 2654435761 >> 24)
		}
		return &Subject{ID: fmt.Sprint(i), Certificates: []DER{leaf, DER("the issuer of all")}}
	}
	const n = 80
	var out bytes.Buffer
	lim := bundleLimits()
	lim.remembered = 32 << 12
	w := newWriter(&out, lim)
	for i := range n {
		if err := w.Add(subject(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(testRun); err != nil {
		t.Fatal(err)
	}
	if len(w.known.queue) > 34 {
		t.Errorf("writer remembers %d certificates of 4 KiB, want about 32", len(w.known.queue))
	}
	if w.trailer.Certificates <= n+1 {
		t.Errorf("%d certificate lines, want the issuer written again", w.trailer.Certificates)
	}
	r, err := newReader(bytes.NewReader(out.Bytes()), lim)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for s, err := range r.Subjects() {
		if err != nil || !reflect.DeepEqual(s, subject(i)) {
			t.Fatalf("subject %d differs (error %v)", i, err)
		}
		i++
	}
	if i != n {
		t.Errorf("got %d subjects, want %d", i, n)
	}
}

func BenchmarkBundle(b *testing.B) {
	certs := make([]DER, 3)
	for i := range certs {
		certs[i] = bytes.Repeat([]byte{byte(i), 7, 1, byte(i * 3)}, 300)
	}
	subject := func(i int) *Subject {
		leaf := append(DER(fmt.Sprintf("leaf %d", i)), certs[0]...)
		return &Subject{ID: fmt.Sprintf("tls://h%d:443", i), Certificates: []DER{leaf, certs[1], certs[2]},
			Handshakes: []Handshake{{Profile: "default", Certificates: []DER{leaf, certs[1], certs[2]}}}}
	}
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		w := NewWriter(io.Discard)
		for i := 0; b.Loop(); i++ {
			if err := w.Add(subject(i)); err != nil {
				b.Fatal(err)
			}
		}
		heap(b)
		runtime.KeepAlive(w)
	})
	b.Run("read", func(b *testing.B) {
		var out bytes.Buffer
		w := NewWriter(&out)
		const n = 10_000
		for i := range n {
			if err := w.Add(subject(i)); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(testRun); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			r, err := NewReader(bytes.NewReader(out.Bytes()))
			if err != nil {
				b.Fatal(err)
			}
			for _, err := range r.Subjects() {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/subject")
		b.ReportMetric(float64(out.Len())/n, "B/subject")
	})
}

// heap reports what is still in use.
func heap(b *testing.B) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapInuse)/(1<<20), "heap-MiB")
}

// A frame that asks for more memory than the format allows is refused.
func TestBundleWindow(t *testing.T) {
	content := unpack(t, write(t, testRun, testSubjects()...))
	var out bytes.Buffer
	s := NewWriter(&out)
	zw, err := zstd.NewWriter(s.out, zstd.WithWindowSize(2*zstdWindow), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // in one piece the encoder would shrink the window to fit
		if _, err := zw.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := zw.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(zw.Close(), s.out.seal()); err != nil {
		t.Fatal(err)
	}
	if got := wantBundleError(t, "window", out.Bytes()).Error(); !strings.Contains(got, "window") {
		t.Errorf("error is %q, want it to name the window", got)
	}
}
