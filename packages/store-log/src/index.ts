export type { DirectoryLock, FileSystem, StoreFile } from './files/file-system.js'
export type { Finding } from './findings.js'
export { LogStore, type LogStoreEvents } from './log-store.js'
export { LOG_STORE_DEFAULTS, type LogStoreOptions } from './options.js'
