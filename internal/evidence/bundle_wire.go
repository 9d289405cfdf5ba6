package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// wireLine is one line of a bundle. Exactly one field is set.
type wireLine struct {
	Format      string           `json:"format,omitempty"`
	Certificate *wireCertificate `json:"certificate,omitempty"`
	Subject     *wireSubject     `json:"subject,omitempty"`
	Trailer     *wireTrailer     `json:"trailer,omitempty"`
}

type wireCertificate struct {
	SHA256 certSHA256 `json:"sha256"`
	DER    []byte     `json:"der"`
}

type wireTrailer struct {
	Run          Run        `json:"run"`
	Subjects     int64      `json:"subjects"`
	Certificates int64      `json:"certificates"`
	SHA256       certSHA256 `json:"sha256"`
}

// The wire forms embed the evidence and shadow only what holds certificates, so
// that a field added to the evidence is in the bundle without anyone
// remembering to put it there.
type (
	subjectFields   Subject
	handshakeFields Handshake
	fetchFields     Fetch

	wireSubject struct {
		subjectFields
		Certificates []certSHA256    `json:"certificates,omitempty"`
		Handshakes   []wireHandshake `json:"handshakes,omitempty"`
		Probes       []wireHandshake `json:"probes,omitempty"`
		Fetches      []wireFetch     `json:"fetches,omitempty"`
	}
	wireFetch struct {
		fetchFields
		Body         []certSHA256 `json:"body,omitempty"` // one or none
		Certificates []certSHA256 `json:"certificates,omitempty"`
	}
	wireHandshake struct {
		handshakeFields
		Certificates []certSHA256 `json:"certificates,omitempty"`
	}
)

// certSHA256 is the hash of a certificate's DER, written as [Hash] does.
type certSHA256 [sha256.Size]byte

func (h certSHA256) MarshalText() ([]byte, error) { return []byte(Hash(h)), nil }

func (h *certSHA256) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), "sha256:")
	sum, err := hex.DecodeString(digits)
	if !ok || err != nil || len(sum) != len(h) {
		return fmt.Errorf("%.80q is not a SHA-256 hash", text)
	}
	*h = certSHA256(sum)
	return nil
}

// toWire gives the subject with hashes in place of certificates, and the
// certificates in the order in which it first names them.
func toWire(s *Subject) (*wireSubject, []DER) {
	var all []DER
	hashes := func(ders []DER) []certSHA256 {
		out := make([]certSHA256, len(ders))
		for i, der := range ders {
			out[i] = der.SHA256()
		}
		all = append(all, ders...)
		return out
	}
	w := &wireSubject{subjectFields: subjectFields(*s)}
	w.Certificates = hashes(s.Certificates)
	handshakes := func(list []Handshake) (out []wireHandshake) {
		for _, h := range list {
			out = append(out, wireHandshake{handshakeFields: handshakeFields(h), Certificates: hashes(h.Certificates)})
		}
		return out
	}
	w.Handshakes, w.Probes = handshakes(s.Handshakes), handshakes(s.Probes)
	for _, f := range s.Fetches {
		wf := wireFetch{fetchFields: fetchFields(f)}
		if len(f.Body) > 0 {
			wf.Body = hashes([]DER{f.Body})
		}
		wf.Certificates = hashes(f.Certificates)
		w.Fetches = append(w.Fetches, wf)
	}
	w.toUTC()
	return w, all
}

// toUTC brings the times of a subject into the form that a bundle holds.
func (w *wireSubject) toUTC() {
	w.Seen = w.Seen.UTC()
	for _, list := range [][]wireHandshake{w.Handshakes, w.Probes} {
		for i := range list {
			list[i].Started = list[i].Started.UTC()
		}
	}
	w.Distances = slices.Clone(w.Distances) // the caller's own
	for i := range w.Distances {
		w.Distances[i].Started = w.Distances[i].Started.UTC()
	}
	for i := range w.Fetches {
		w.Fetches[i].Started = w.Fetches[i].Started.UTC()
	}
	w.Log = w.Log.toUTC()
	w.Inclusions = slices.Clone(w.Inclusions) // the caller's own
	for i := range w.Inclusions {
		x := &w.Inclusions[i]
		x.Asked, x.Head = x.Asked.UTC(), x.Head.toUTC()
	}
	w.DNS = slices.Clone(w.DNS)
	for i := range w.DNS {
		w.DNS[i].Answers = slices.Clone(w.DNS[i].Answers)
		for k := range w.DNS[i].Answers {
			w.DNS[i].Answers[k].Asked = w.DNS[i].Answers[k].Asked.UTC()
		}
	}
}

// toUTC gives a copy of the record as a bundle holds it.
func (l *Log) toUTC() *Log {
	if l == nil {
		return nil
	}
	out := *l
	if l.Entry != nil {
		e := *l.Entry
		e.Time, out.Entry = e.Time.UTC(), &e
	}
	if l.Read != nil {
		out.Read = &Span{l.Read.From.UTC(), l.Read.To.UTC()}
	}
	out.Head, out.Contradicts = l.Head.toUTC(), l.Contradicts.toUTC()
	return &out
}

func (h *Head) toUTC() *Head {
	if h == nil {
		return nil
	}
	out := *h
	out.Time = out.Time.UTC()
	return &out
}

// fromWire undoes toWire. The subjects of a bundle share the bytes of a
// certificate.
func fromWire(w *wireSubject, lookup func(certSHA256) (DER, error)) (*Subject, error) {
	var errs error
	certificates := func(hashes []certSHA256) (out []DER) {
		for _, hash := range hashes {
			der, err := lookup(hash)
			if err != nil {
				errs = err
			}
			out = append(out, der)
		}
		return out
	}
	s := Subject(w.subjectFields)
	s.Certificates = certificates(w.Certificates)
	handshakes := func(list []wireHandshake) (out []Handshake) {
		for _, wh := range list {
			h := Handshake(wh.handshakeFields)
			h.Certificates = certificates(wh.Certificates)
			out = append(out, h)
		}
		return out
	}
	s.Handshakes, s.Probes = handshakes(w.Handshakes), handshakes(w.Probes)
	for _, wf := range w.Fetches {
		f := Fetch(wf.fetchFields)
		switch body := certificates(wf.Body); {
		case len(body) == 1 && len(body[0]) > 0:
			f.Body = body[0]
		case len(body) > 0:
			errs = errors.New("the body of an answer is one, and not empty")
		}
		f.Certificates = certificates(wf.Certificates)
		s.Fetches = append(s.Fetches, f)
	}
	return &s, errs
}

// toUTC gives the run as a bundle holds it.
func (r Run) toUTC() Run {
	r.Started, r.Finished, r.At = r.Started.UTC(), r.Finished.UTC(), r.At.UTC()
	if r.Contacted == nil {
		r.Contacted = []string{}
	}
	return r
}

// encodeLine appends a line with its line end to buf.
func encodeLine(buf *bytes.Buffer, l *wireLine) error {
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	return enc.Encode(l)
}

// decodeLine reads a line. A line has one encoding only: what the writer would
// not have written, down to the order of keys and a duplicate one, is refused.
func decodeLine(line []byte, scratch *bytes.Buffer) (*wireLine, error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	var l wireLine
	if err := dec.Decode(&l); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("not a whole JSON object")
		}
		return nil, err
	}
	if l.Subject != nil {
		l.Subject.toUTC()
	}
	if l.Trailer != nil {
		l.Trailer.Run = l.Trailer.Run.toUTC()
	}
	scratch.Reset()
	if err := encodeLine(scratch, &l); err != nil {
		return nil, err
	}
	if !bytes.Equal(scratch.Bytes(), line) {
		return nil, errors.New("not written the way certassay writes it")
	}
	return &l, nil
}

// memory remembers certificates by hash, and forgets the oldest ones. Writer and
// reader keep it alike; the writer does not keep the bytes.
type memory struct {
	held  map[certSHA256]DER
	queue []remembered
	size  int
	limit int
}

type remembered struct {
	hash certSHA256
	cost int
}

func newMemory(limit int) *memory { return &memory{held: map[certSHA256]DER{}, limit: limit} }

func (m *memory) has(hash certSHA256) bool {
	_, ok := m.held[hash]
	return ok
}

// add remembers der, the certificate of the given length.
func (m *memory) add(hash certSHA256, der DER, length int) {
	m.held[hash] = der
	m.queue = append(m.queue, remembered{hash, length + perCertificate})
	m.size += length + perCertificate
}

// trim forgets the oldest. It is called between subjects, so that a subject
// never loses its own.
func (m *memory) trim() {
	drop := 0
	for ; m.size > m.limit; drop++ {
		m.size -= m.queue[drop].cost
		delete(m.held, m.queue[drop].hash)
	}
	m.queue = m.queue[drop:]
}
