#!/usr/bin/env node
// In a file of its own, so that it can be linked before the package is built.
import '../dist/command/main.js'
