import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { routeCommand } from '../src/commands/route.js'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewright-route-'))
  await write('good.json', { hot: 'FROM /messages/* WHERE $body.celsius > 20 INTO $upstream' })
  await write('odd.json', { routes: { odd: "FROM /messages/* WHERE temp > '20' INTO $upstream" } })
  await write('bad.json', { good: 'FROM /* INTO $upstream', bad: 'FROM /messages/* WHERE temp > 20 INTO $upstream' })
  await write('warm.json', { from: '/messages/modules/sensor', body: { celsius: 25 } })
  await writeFile(join(folder, 'broken.json'), '{')
})

afterAll(() => rm(folder, { recursive: true }))

function write(name: string, content: unknown) {
  return writeFile(join(folder, name), JSON.stringify(content))
}

/** Runs the command; words that end in .json are files of this test. */
async function run(command: string) {
  const args = command.split(' ').map(word => (word.endsWith('.json') ? join(folder, word) : word))
  let [stdout, stderr] = ['', '']
  const code = await routeCommand(args, {
    stdout: text => {
      stdout += text
    },
    stderr: text => {
      stderr += text
    },
  })
  return { code, stdout, stderr }
}

test('check says that all is well', async () => {
  expect(await run('check good.json')).toEqual({
    code: 0,
    stdout: '1 route fine, 0 errors, 0 warnings\n',
    stderr: '',
  })
})

test('check shows errors with a remedy and ends with 1', async () => {
  const { code, stdout } = await run('check bad.json')
  expect(code).toBe(1)
  expect(
    stdout,
  ).toBe(`bad:1:24: error ROUTE_TYPE: > cannot compare a string with a number; expected two values of one type
  FROM /messages/* WHERE temp > 20 INTO $upstream
                         ^^^^^^^^^
  Did you mean as_number(temp)?
1 route fine, 1 error, 0 warnings
`)
})

test('check ends with 1 for warnings when asked', async () => {
  expect(await run('check odd.json')).toMatchObject({ code: 0, stdout: expect.stringContaining('warning text-order') })
  expect(await run('check odd.json --strict')).toMatchObject({ code: 1 })
})

test('check compares with IoT Edge when asked, and reads as IoT Edge does', async () => {
  expect(await run('check good.json --compare')).toMatchObject({
    stdout: expect.stringContaining('differs-from-iotedge'),
  })
  expect(await run('check good.json --semantics iotedge')).toMatchObject({ code: 0 })
})

test('check gives JSON', async () => {
  const { code, stdout } = await run('check bad.json --json')
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({
    routes: ['good'],
    errors: [{ code: 'ROUTE_TYPE', route: 'bad', line: 1, column: 24, hint: 'Did you mean as_number(temp)?' }],
    warnings: [],
  })
})

test('explain says what a message does', async () => {
  const { code, stdout } = await run('explain good.json --message warm.json')
  expect(code).toBe(0)
  expect(stdout).toContain('$body.celsius → 25')
  expect(stdout).toContain('The message goes to\n  the cloud')
})

test('explain gives JSON, and names what is broken', async () => {
  const { code, stdout } = await run('explain bad.json --message warm.json --json')
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({
    source: '/messages/modules/sensor',
    routes: [{ route: 'good', matched: true }],
    destinations: [{ target: { kind: 'upstream' }, route: 'good' }],
    errors: [{ route: 'bad' }],
  })
})

test.each([
  ['check', 'Usage:'],
  ['check good.json --message warm.json', 'Usage:'],
  ['explain good.json', 'Usage:'],
  ['check good.json --semantics other', 'Usage:'],
  ['check good.json --nonsense', '--nonsense'],
  ['check missing.json', 'missing.json'],
  ['check broken.json', 'broken.json is no JSON'],
  ['explain good.json --message good.json', 'a message has no member hot'],
])('%s ends with 2', async (command, complaint) => {
  const { code, stderr } = await run(command)
  expect(code).toBe(2)
  expect(stderr).toContain(complaint)
})
