package store

import (
	"database/sql"
	"time"
)

// A Configuration is what became of the configuration that a watch works by.
type Configuration struct {
	// Taken is when the one in force was read; zero where no watch has run.
	Taken time.Time
	// Failed is when one that was found later could not be taken, and Error why;
	// zero and empty where there is none such.
	Failed time.Time
	Error  string
}

// SetConfiguration notes what became of the configuration.
func (t *Tx) SetConfiguration(c Configuration) error {
	_, err := t.exec("INSERT OR REPLACE INTO configuration (one, taken, failed, error) VALUES (1, ?, ?, ?)", c.Taken.UnixMilli(), millis(c.Failed), c.Error)
	return err
}

// Configuration gives what was noted last.
func (t *Tx) Configuration() (c Configuration, err error) {
	err = t.each(func(scan func(...any) error) error {
		var taken, failed sql.NullInt64
		err := scan(&taken, &failed, &c.Error)
		c.Taken, c.Failed = timeOf(taken), timeOf(failed)
		return err
	}, "SELECT taken, failed, error FROM configuration")
	return c, err
}
