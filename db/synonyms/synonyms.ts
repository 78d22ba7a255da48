/**
 * Words that a technology market's users take for one another: the groups that a new market begins with;
 * from then on the table is the operator's. Written for this project, from general knowledge.
 *
 * Only words that mean the same in nearly every listing: a broader or a related word would bring what was
 * not asked for.
 */
export const synonymGroups: readonly (readonly string[])[] = [
  // Electronics and information
  ["LED", "发光二极管"],
  ["人工智能", "AI"],
  ["机器学习", "machine learning"],
  ["大语言模型", "大模型", "LLM"],
  ["机器视觉", "计算机视觉"],
  ["物联网", "IoT"],
  ["虚拟现实", "VR"],
  ["增强现实", "AR"],
  ["射频识别", "RFID"],
  ["印制电路板", "印刷电路板", "PCB"],
  ["微机电系统", "MEMS"],
  ["现场可编程门阵列", "FPGA"],
  ["可编程控制器", "可编程逻辑控制器", "PLC"],
  ["制造执行系统", "MES"],
  ["地理信息系统", "GIS"],
  // Machines and manufacturing
  ["无人机", "UAV", "无人驾驶飞行器"],
  ["数控机床", "CNC机床"],
  ["3D打印", "三维打印", "增材制造"],
  ["自动导引车", "无人搬运车", "AGV"],
  ["变频器", "变频调速器"],
  ["无损检测", "无损探伤"],
  ["有限元", "FEM", "FEA"],
  // Energy and vehicles
  ["锂电池", "锂离子电池"],
  ["光伏", "太阳能发电"],
  ["风电", "风力发电"],
  ["新能源汽车", "新能源车"],
  ["电动汽车", "电动车辆"],
  ["电池管理系统", "BMS"],
  ["绝缘栅双极型晶体管", "IGBT"],
  // Materials and chemistry
  ["碳纤维", "碳素纤维"],
  ["碳纳米管", "CNT"],
  ["聚氯乙烯", "PVC"],
  ["聚乳酸", "PLA"],
  ["金属有机框架", "金属有机骨架", "MOF"],
  // Environment
  ["污水", "废水"],
  ["挥发性有机物", "VOC", "VOCs"],
  ["化学需氧量", "COD"],
  ["二氧化碳捕集", "碳捕集", "CCUS"],
  // Farming and life sciences
  ["玉米", "苞米"],
  ["马铃薯", "土豆"],
  ["聚合酶链式反应", "PCR"],
  ["磁共振", "核磁共振", "MRI"],
];
