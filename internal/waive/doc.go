// Package waive lets an owner accept findings: for a time, with a reason, by
// waivers; or those that were there before, by a baseline.
//
// Neither removes a finding from a report. A waived finding carries its waiver
// and does not count for the verdict; a known one only does not count as new.
//
// # Narrow by construction
//
// A waiver names one rule by its id and one identity: a key, a certificate, a
// finding's fingerprint, or an endpoint. It cannot name a distinguished name or
// host name of a certificate, for those are what a forger copies. Nor does an
// endpoint stand for the certificate that is shown there: a finding that accuses
// a certificate takes the certificate or its key. It ends within a year. A baseline never silences a finding of confidence proof, nor one that
// was waived when the baseline was written: its waiver has to be renewed.
package waive
