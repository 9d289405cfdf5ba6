// Package inventory reads the file in which an owner says what there is and what
// has to hold: targets in groups, what is expected of them, who is trusted for
// them, and which findings are accepted.
//
// # Strict
//
// [Load] gives an inventory that needs no further checks, or everything that is
// wrong at once as [*Error]s: unknown and repeated keys, values of another type,
// names that refer to nothing. YAML's anchors, aliases, merge keys and tags are
// refused, so that what stands in a line is what holds there, and no bomb can be
// built. Only one document may be in a file. Nothing is read from the
// environment, no program is started, and no file outside the [fs.FS] that was
// handed in can be reached: an inventory may come with a pull request, and what
// is wrong with a file is printed with the line it stands in.
//
// # What holds for a target
//
// Four layers say it, the later over the earlier, key by key: the defaults of the
// file that includes, of the file itself, the group, the target. A list replaces
// a list; it is never added to. What an earlier layer asks for is lifted by the
// words that the schema names for that: optional, any, ignore, or an empty list.
// Every value keeps the place where it was written; see [Entry.Settings].
//
// # Lists from programs
//
// Targets can come from CSV, JSON and plain lists, and from standard input. A
// command cannot be named: a file that can start programs is one that must not
// come with a pull request. Pipe its output in.
package inventory
