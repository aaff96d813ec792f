// Package documents has the tests of the documentation: snippets compile, and links lead somewhere.
package documents
