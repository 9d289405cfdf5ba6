package ctlog

// WatchSyntax says, for help texts, what can be looked for.
const WatchSyntax = `What is looked for:
  example.org              that name alone
  .example.org             that name and all below it
  *.example.org            all names one label below it; a wildcard in a
                           certificate matches what it covers
  192.0.2.1  192.0.2.0/24  an address, or a range of them (also ip:…)
  org:Example Corp         an organisation in the subject
  issuer:sha256/…          what the key with this pin issued (SHA-256 of its
                           SubjectPublicKeyInfo, base64 or hex)
  key:sha256/…             certificates over this key
  serial:0a1b…             certificates with this serial number
  lookalike:example.org    names that look like it or borrow it: confusable
                           letters, one letter off, another top-level domain,
                           example-login.com, example.org.evil.test`
