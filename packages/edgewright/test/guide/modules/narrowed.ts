import { CONFINED, docker } from 'edgewright'

export const runtime = (release: string, authority: string) =>
  docker({
    privileges: { ...CONFINED, hostMounts: ['/var/lib/plant'] },
    images: [
      { from: 'registry.example/line-3', keys: [release] }, // cosign sign --key
      { from: 'registry.example/partners', certificates: [authority] }, // notation sign
      { from: 'registry.example', pinned: true, signatures: 'off' },
    ],
    credentials: [{ id: 'local', address: 'registry.example', username: 'puller', password: process.env.PULL ?? '' }],
    cleanup: { unusedFor: 14 * 86_400_000 },
  })
