#!/usr/bin/env node
/**
 * The `tsgi` of the package. A program for CGI is started for each request: it goes past what the other commands import, which takes
 * longer than all that it does itself.
 */
const [, , name, ...rest] = process.argv
if (name === 'cgi') (await import('../loading/compile-cache.ts')).cacheCompiledCode()
const plain = name === 'cgi' ? (await import('./cgi-options.ts')).plainCgiArguments(rest) : undefined
if (plain === undefined) await import('./tsgi.ts')
else await (await import('./cgi-main.ts')).cgiMain(plain.app, plain.given)
