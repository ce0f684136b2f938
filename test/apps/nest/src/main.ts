import { create } from './create'

async function bootstrap(): Promise<void> {
  const app = await create()
  await app.listen(process.env.PORT ?? 3000, '127.0.0.1')
}
void bootstrap()
