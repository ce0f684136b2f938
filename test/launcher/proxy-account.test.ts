import { expect, it } from 'vitest'

import { findAccount } from '../../src/launcher/proxy-account.ts'

const PASSWD =
  'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nwww-data:x:33:40:www:/var/www:/bin/false\nbroken:x::::\nlost:x:5:999::/:/bin/sh\n'
const GROUP = 'root:x:0:\nweb:x:40:\nnogroup:x:65534:\ndeploy:x:7:ann,www-data\nother:x:8:www-data2\n'

it('takes the first account that exists, with the name of its own group', () => {
  expect(findAccount(['nginx', 'www-data', 'nobody'], PASSWD, GROUP)).toEqual({
    user: 'www-data',
    uid: 33,
    group: 'web',
    gid: 40,
    groups: [7],
  })
  expect(findAccount(['nginx', 'nobody'], PASSWD, GROUP)).toMatchObject({
    user: 'nobody',
    uid: 65534,
    group: 'nogroup',
    gid: 65534,
  })
})

it('takes none whose group is unknown, and none from empty files', () => {
  expect(findAccount(['lost', 'broken', 'absent'], PASSWD, GROUP)).toBeUndefined()
  expect(findAccount(['www-data'], '', '')).toBeUndefined()
})
