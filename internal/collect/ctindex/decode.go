package ctindex

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/certassay/certassay/internal/cert"
)

// Errors that callers tell apart.
var (
	// ErrAnswer says that an answer is not what such an index answers.
	ErrAnswer = errors.New("the answer is not one of such an index")
	// ErrTooMuch says that an index has more than is taken of it.
	ErrTooMuch = errors.New("the index has more than is taken of it")
)

// maxItems bounds the rows of one answer: short ones would grow a hundredfold in
// memory.
const maxItems = 100_000

// An issuance is one row of Cert Spotter's answer.
type issuance struct {
	id  string
	der []byte // nil where it cannot be read
}

// A rowError is what is wrong with one row; the others were read.
type rowError struct {
	row int // from 1
	err error
}

func (e *rowError) Error() string   { return fmt.Sprintf("%v: row %d: %v", ErrAnswer, e.row, e.err) }
func (e *rowError) Unwrap() []error { return []error{ErrAnswer, e.err} }

// list takes an answer apart into its rows. A page of HTML, an object (which is
// how errors come) and anything behind the list are refused. A row that is wrong
// does not hide those behind it: whoever can get an odd certificate into the index
// would choose which. The first such is given as a [*rowError] where all else is
// well.
func list(body []byte, row func(json.RawMessage) error) error {
	if start := bytes.TrimLeft(body, "\ufeff \t\r\n"); len(start) > 0 && start[0] == '<' {
		return fmt.Errorf("%w: a page of HTML or XML came in place of JSON", ErrAnswer)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return fmt.Errorf("%w: it is no JSON array", ErrAnswer)
	}
	var bad error
	for n := 0; d.More(); n++ {
		if n == maxItems {
			return fmt.Errorf("%w: more than %d rows in one answer", ErrTooMuch, maxItems)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return fmt.Errorf("%w: row %d: %w", ErrAnswer, n+1, err)
		}
		if err := row(raw); err != nil && bad == nil {
			bad = &rowError{n + 1, err}
		}
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("%w: it is cut off", ErrAnswer)
	}
	if rest := bytes.TrimSpace(body[d.InputOffset():]); len(rest) > 0 {
		return fmt.Errorf("%w: %d bytes follow the list", ErrAnswer, len(rest))
	}
	return bad
}

// decodeIDs reads the ids of crt.sh's answer, each once. With an error they are
// those that could be read.
func decodeIDs(body []byte) (ids []uint64, err error) {
	seen := map[uint64]bool{}
	err = list(body, func(raw json.RawMessage) error {
		var row struct {
			ID *uint64 `json:"id"`
		}
		if err := json.Unmarshal(raw, &row); err != nil {
			return err
		}
		if row.ID == nil {
			return errors.New("it has no id")
		}
		if !seen[*row.ID] {
			seen[*row.ID] = true
			ids = append(ids, *row.ID)
		}
		return nil
	})
	return ids, err
}

// decodeIssuances reads a page of Cert Spotter's answer. With an error it gives
// what could be read; a row that has but an id has no certificate.
func decodeIssuances(body []byte) (out []issuance, err error) {
	err = list(body, func(raw json.RawMessage) error {
		var row struct {
			ID   string `json:"id"`
			DER  string `json:"cert_der"`
			Cert struct {
				Data string `json:"data"`
			} `json:"cert"`
		}
		if err := json.Unmarshal(raw, &row); err != nil {
			return err
		}
		text := row.DER
		if text == "" {
			text = row.Cert.Data
		}
		if row.ID == "" || len(row.ID) > maxID {
			return errors.New("it has no id")
		}
		der, err := base64.StdEncoding.DecodeString(text)
		if err == nil {
			err = isCertificate(der)
		}
		if err != nil {
			der = nil
		}
		out = append(out, issuance{row.ID, der})
		return err
	})
	return out, err
}

// decodeCertificate reads the one certificate of an answer, in DER or PEM.
func decodeCertificate(body []byte) ([]byte, error) {
	der := body
	if block, rest := pem.Decode(body); block != nil {
		if block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
			return nil, fmt.Errorf("%w: it is not one certificate in PEM", ErrAnswer)
		}
		der = block.Bytes
	}
	if err := isCertificate(der); err != nil {
		return nil, err
	}
	return der, nil
}

// isCertificate says why bytes have not the outline of one certificate.
func isCertificate(der []byte) error {
	if len(der) > maxCertificate {
		return fmt.Errorf("%w: a certificate of %d bytes", ErrTooMuch, len(der))
	}
	if c := cert.Parse(der); !c.Readable() || len(c.TBS) == 0 {
		return fmt.Errorf("%w: it is no certificate", ErrAnswer)
	}
	return nil
}
