import { readdirSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

// Tests follow the sources without a build; what runs as a process of its own runs the build.
const conditions = ['edgewright:source']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    retry: 0,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 15_000 } },
    projects: [
      ...readdirSync('packages').map(name => project(name, `packages/${name}`)),
      project('reference-gateway', 'examples/reference-gateway'),
    ],
  },
})

function project(name: string, root: string) {
  return {
    extends: true as const,
    root,
    test: { name, include: ['src/**/*.test.ts', 'test/**/*.test.ts'] },
  }
}
