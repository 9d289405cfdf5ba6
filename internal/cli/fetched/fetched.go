// Package fetched knows the directory that "certassay data update" fetches lists of
// logs, of CAs and of revoked ones to: which files it has, what their labels say, and
// what a run that is given --data judges by. It fetches nothing; package data does.
package fetched

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/certassay/certassay/internal/cli/given"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/parcel"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/trust"
)

// A Label says of a file of fetched data where it is from.
type Label struct {
	Set     string    `json:"set"` // logs, ca-data or onecrl
	Source  string    `json:"source"`
	Fetched time.Time `json:"fetched"`
	// Signature is that of a log list, Key its signer's where that is not Google.
	Signature []byte `json:"signature,omitempty"`
	Key       string `json:"key,omitempty"`
}

// LogsFile is the name of the file with the list of logs.
const LogsFile = "logs.data"

// MaxCALists is how many lists of CAs a directory may hold.
const MaxCALists = 16

// CADataFile is the name of the file with a list of CAs; the first one is 0.
func CADataFile(i int) string { return fmt.Sprintf("ca-data-%d.data", i+1) }

// A Logs is a log list of a directory of fetched data.
type Logs struct {
	Label Label
	List  *ct.LogList
}

// ReadLogs reads the log list of a directory, nil where it has none. Its
// signature is checked anew.
func ReadLogs(dir string) (*Logs, error) {
	f := &Logs{}
	text, err := parcel.Read(filepath.Join(dir, LogsFile), &f.Label, ct.MaxListSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && f.Label.Signature != nil {
		err = ct.CheckListSignature(text, f.Label.Signature, f.Label.Key)
	}
	if err == nil {
		f.List, err = ct.ParseList(text)
	}
	if err != nil {
		return nil, dataError(dir, err)
	}
	return f, nil
}

// ReadCAs reads the lists of CAs of a directory.
func ReadCAs(dir string) (out []*trust.CAData, labels []Label, err error) {
	for i := range MaxCALists {
		var label Label
		text, err := parcel.Read(filepath.Join(dir, CADataFile(i)), &label, trust.MaxCAData)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		var data *trust.CAData
		if err == nil {
			data, err = trust.ReadCCADB(label.Source, bytes.NewReader(text))
		}
		if err != nil {
			return nil, nil, dataError(dir, err)
		}
		data.Date, data.Source = label.Fetched.UTC().Format(time.DateOnly), "fetched; a list of CAs in CCADB's form"
		out, labels = append(out, data), append(labels, label)
	}
	return out, labels, nil
}

func dataError(dir string, err error) error {
	return hint.With(fmt.Errorf("reading fetched data: %w", err), fmt.Sprintf("fetch them again: certassay data update --data %s", report.Escape(dir)))
}

// KnownLogs gives the logs to judge by: those of the list that the user names, or
// else of the directory of fetched data, before the embedded ones. note says where
// data were passed over; it is mostly empty.
func KnownLogs(path, dir string) (list *ct.LogList, note string, err error) {
	if path != "" || dir == "" {
		list, err = given.LogList(path)
		return list, "", err
	}
	fetched, err := ReadLogs(dir)
	switch {
	case err != nil:
		return nil, "", err
	case fetched == nil:
		return ct.Known(), "", nil
	case fetched.List.Date.Before(ct.Known().Date):
		return ct.Known(), fmt.Sprintf("the log list in %s is of %s, and that of the program of %s: the latter is used", dir, given.LogListDate(fetched.List), ct.Date), nil
	}
	return ct.Join(fetched.List, ct.Known()), "", nil
}

// Check refuses a directory that holds nothing: whoever names one believes
// that there is something in it.
func Check(dir string) error {
	for _, name := range []string{LogsFile, CADataFile(0), RevokedFile} {
		if _, err := parcel.Label(filepath.Join(dir, name), &Label{}); !errors.Is(err, fs.ErrNotExist) {
			return nil // what is wrong with it is said when it is read
		}
	}
	return hint.With(fmt.Errorf("--data %s: there are no fetched data", dir), fmt.Sprintf("fetch them: certassay data update --data %s", report.Escape(dir)))
}
