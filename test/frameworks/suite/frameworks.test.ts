import { requires } from '../../support/requirements.ts'
import { everyFramework } from './every-framework.ts'

requires('full', 'apps', 'nginx', 'dist', 'proc').describe('applications of frameworks', () => {
  everyFramework('nginx')
})
