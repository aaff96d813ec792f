// Package actors brings callers to protoactor.
package actors
