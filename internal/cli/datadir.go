package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/parcel"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/trust"
)

// A dataLabel says of a file of fetched data where it is from.
type dataLabel struct {
	Set     string    `json:"set"` // logs, ca-data or onecrl
	Source  string    `json:"source"`
	Fetched time.Time `json:"fetched"`
	// Signature is that of a log list, Key its signer's where that is not Google.
	Signature []byte `json:"signature,omitempty"`
	Key       string `json:"key,omitempty"`
}

// Names of the files of a directory of fetched data. Lists of CAs are numbered.
const (
	logsFile   = "logs.data"
	caDataFile = "ca-data-%d.data"
	// maxCALists bounds them.
	maxCALists = 16
)

// A fetchedLogs is a log list of a directory of fetched data.
type fetchedLogs struct {
	label dataLabel
	list  *ct.LogList
}

// readFetchedLogs reads the log list of a directory, nil where it has none. Its
// signature is checked anew.
func readFetchedLogs(dir string) (*fetchedLogs, error) {
	f := &fetchedLogs{}
	text, err := parcel.Read(filepath.Join(dir, logsFile), &f.label, ct.MaxListSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && f.label.Signature != nil {
		err = ct.CheckListSignature(text, f.label.Signature, f.label.Key)
	}
	if err == nil {
		f.list, err = ct.ParseList(text)
	}
	if err != nil {
		return nil, dataError(dir, err)
	}
	return f, nil
}

// readFetchedCAs reads the lists of CAs of a directory.
func readFetchedCAs(dir string) (out []*trust.CAData, labels []dataLabel, err error) {
	for i := range maxCALists {
		var label dataLabel
		text, err := parcel.Read(filepath.Join(dir, fmt.Sprintf(caDataFile, i+1)), &label, trust.MaxCAData)
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

// readLogs gives the logs to judge by: those of the list that the user names, or
// else of the directory of fetched data, before the embedded ones. note says where
// data were passed over; it is mostly empty.
func readLogs(path, dir string) (list *ct.LogList, note string, err error) {
	if path != "" || dir == "" {
		list, err = readLogList(path)
		return list, "", err
	}
	fetched, err := readFetchedLogs(dir)
	switch {
	case err != nil:
		return nil, "", err
	case fetched == nil:
		return ct.Known(), "", nil
	case fetched.list.Date.Before(ct.Known().Date):
		return ct.Known(), fmt.Sprintf("the log list in %s is of %s, and that of the program of %s: the latter is used", dir, logListDate(fetched.list), ct.Date), nil
	}
	return ct.Join(fetched.list, ct.Known()), "", nil
}

// checkDataDir refuses a directory that holds nothing: whoever names one believes
// that there is something in it.
func checkDataDir(dir string) error {
	for _, name := range []string{logsFile, fmt.Sprintf(caDataFile, 1), revokedName} {
		if _, err := parcel.Label(filepath.Join(dir, name), &dataLabel{}); !errors.Is(err, fs.ErrNotExist) {
			return nil // what is wrong with it is said when it is read
		}
	}
	return hint.With(fmt.Errorf("--data %s: there are no fetched data", dir), fmt.Sprintf("fetch them: certassay data update --data %s", report.Escape(dir)))
}
