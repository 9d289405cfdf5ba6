package reallogs

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	ct "github.com/google/certificate-transparency-go"

	"github.com/certassay/certassay/internal/lab"
)

// poison marks precertificates (RFC 6962 section 3.1).
var poison = lab.Extension{ID: "1.3.6.1.4.1.11129.2.4.3", Critical: true, Value: []byte{5, 0}}

// template is that of a certificate for these names, not logged yet.
func template(h *lab.Lab, names ...string) lab.Template {
	t := h.LeafTemplate()
	t.Serial, t.Subject = lab.SerialOf(fmt.Sprint(names)), lab.Named("CN="+names[0])
	t.Set(lab.SAN(names...))
	return t
}

// add submits a chain and gives the SCT, serialized (RFC 6962 section 3.2).
func (l *Log) add(what string, chain ...[]byte) ([]byte, error) {
	body, err := json.Marshal(ct.AddChainRequest{Chain: chain})
	if err != nil {
		return nil, err
	}
	var sct []byte
	// On a busy machine Trillian now and then fails; the same chain is logged once.
	for range 5 {
		if sct, err = l.post(what, body); err == nil || !strings.Contains(err.Error(), "500 Internal") {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	return sct, err
}

// post submits a request for add.
func (l *Log) post(what string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, l.Submit+"ct/v1/"+what, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", what, answer.Status, text)
	}
	var promise ct.AddChainResponse
	if err := json.Unmarshal(text, &promise); err != nil {
		return nil, err
	}
	extensions, err := base64.StdEncoding.DecodeString(promise.Extensions)
	return sctBytes([32]byte(promise.ID), promise.Timestamp, extensions, promise.Signature), err
}

func sctBytes(id [32]byte, at uint64, extensions, signature []byte) []byte {
	out := append([]byte{0}, id[:]...)
	out = binary.BigEndian.AppendUint64(out, at)
	out = binary.BigEndian.AppendUint16(out, uint16(len(extensions)))
	return append(append(out, extensions...), signature...)
}

// Certificate submits a certificate for the names, and gives it.
func (l *Log) Certificate(h *lab.Lab, names ...string) ([]byte, error) {
	der := template(h, names...).Sign(h.Intermediate.Key, "")
	_, err := l.add("add-chain", der, h.Intermediate.DER)
	return der, err
}

// Precertificate submits a precertificate for the names, and gives the
// certificate with the log's SCT that is issued then.
func (l *Log) Precertificate(h *lab.Lab, names ...string) ([]byte, error) {
	t := template(h, names...)
	pre := t.Clone()
	pre.Set(poison)
	sct, err := l.add("add-pre-chain", pre.Sign(h.Intermediate.Key, ""), h.Intermediate.DER)
	if err != nil {
		return nil, err
	}
	t.Set(lab.EmbedSCTs(sct))
	return t.Sign(h.Intermediate.Key, ""), nil
}

// Fill submits entries number from to to, exclusive: certificates and
// precertificates in turn, for hostN.grid.example. The log orders them as it
// likes.
func (l *Log) Fill(t testing.TB, h *lab.Lab, from, to int) {
	t.Helper()
	var wait sync.WaitGroup
	errs := make([]error, to-from)
	slots := make(chan struct{}, 64)
	for i := from; i < to; i++ {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			submit := l.Certificate
			if i%2 == 1 {
				submit = l.Precertificate
			}
			_, errs[i-from] = submit(h, fmt.Sprintf("host%d.grid.example", i))
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("submitting to %s: %v", l.Submit, err)
	}
}
