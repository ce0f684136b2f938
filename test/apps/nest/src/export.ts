import { create } from './create'

export default await create()
